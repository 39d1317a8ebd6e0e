"""``nbrucio lock``: freeze the file list of a notebook's data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio.core.named import named
from nbrucio_cli.common import (
    cli_command,
    instance_option,
    json_option,
    load_config,
    print_json,
    tell_errors,
    tell_warnings,
    variant_option,
)
from nbrucio_cli.completing import handles as completed_handles
from nbrucio_cli.error_text import next_step
from nbrucio_cli.missing_notebook import notebook_argument

if TYPE_CHECKING:
    from nbrucio.config import Config


@click.command("lock")
@notebook_argument
@click.argument("handles", nargs=-1, metavar="[HANDLE…]", shell_complete=completed_handles)
@click.option("--upgrade", is_flag=True, help="Lock Rucio's present content instead: of the named handles, or of all.")
@click.option("--pin", is_flag=True, help="Save all file lists with NOTEBOOK, so that `sync --frozen` works anywhere.")
@instance_option
@variant_option
@json_option
@cli_command
def command(
    notebook: Path, handles: tuple[str, ...], upgrade: bool, pin: bool, variant: str | None, as_json: bool
) -> int:
    """Freeze the file list (names, sizes, checksums) of data in NOTEBOOK that is not locked yet.

    A lock stays as it is when its dataset grows; --upgrade takes Rucio's present content. Data that cannot be resolved
    stays as it is, and the rest is locked.
    """
    from nbrucio.operations.edit import lock
    from nbrucio_cli.progress import reporting
    from nbrucio_cli.rows import no_data
    from nbrucio_cli.tables import lock_words

    if handles and not upgrade:
        raise click.UsageError("HANDLE needs --upgrade; without it, all data that is not locked yet is locked.")
    config = load_config()
    with reporting(quiet=as_json, events=False) as reporter:
        chosen = handles if upgrade else None
        edit = lock(notebook, config, upgrade=chosen, variant=variant, pin=pin, reporter=reporter)
    if as_json:
        print_json(edit.as_json())
        return edit.exit_code
    for resolved in edit.requirements:
        requirement = resolved.requirement
        if resolved.error is not None:
            click.echo(f"'{requirement.handle}' failed: {requirement.did}")
            continue
        change = f", {resolved.drift}" if resolved.drift else ""
        act = edit.acts[requirement.handle]
        click.echo(f"'{requirement.handle}' {act}: {requirement.did}{lock_words(resolved.lock)}{change}")
    if edit.requirements:
        unchanged = "unchanged" if edit.errors() else "already locked"
        click.echo(f"Wrote {notebook}." if edit.changed else f"{notebook} is {unchanged}.")
    else:
        click.echo(no_data(notebook))
    if not upgrade and any(resolved.lock and resolved.lock.open for resolved in edit.requirements):
        _show_growth(notebook, config, variant)
    tell_warnings(edit.warnings)
    tell_errors(named(edit.errors(), notebook))
    return edit.exit_code


def _show_growth(notebook: Path, config: Config, variant: str | None) -> None:
    """Compare the locks with Rucio, and print how to lock added files."""
    from nbrucio.pipeline.status import status
    from nbrucio_cli.rows import quoted

    (report,) = status([notebook], config, variant=variant, check=True).notebooks
    changed = [one.resolved for one in report.requirements if one.resolved.drift]
    for resolved in changed:
        click.echo(f"'{resolved.requirement.handle}' {resolved.requirement.did} {resolved.drift}.")
    if changed:
        handles = [resolved.requirement.handle for resolved in changed]
        click.echo(next_step(f"nbrucio lock {quoted(notebook)} --upgrade {quoted(*handles)}"))
    for fault in report.faults:
        click.echo(f"Not compared with Rucio: {fault.message}", err=True)
