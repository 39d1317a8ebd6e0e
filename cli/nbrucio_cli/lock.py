"""``nbrucio lock``: write into a notebook what its data is now."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import (
    cli_command,
    json_option,
    load_config,
    notebook_argument,
    print_json,
    variant_option,
)


@click.command("lock")
@notebook_argument
@click.argument("handles", nargs=-1, metavar="[HANDLE…]")
@click.option("--upgrade", is_flag=True, help="Resolve anew: the named handles, or all.")
@variant_option
@json_option
@cli_command
def command(notebook: Path, handles: tuple[str, ...], upgrade: bool, variant: str | None, as_json: bool) -> None:
    """Write into NOTEBOOK what each requirement resolves to: files, sizes, checksums.

    What is locked stays as it is; --upgrade asks Rucio again.
    """
    from nbrucio.operations.edit import lock
    from nbrucio_cli.progress import reporting
    from nbrucio_cli.tables import lock_words

    if handles and not upgrade:
        raise click.UsageError("Handles go with --upgrade; without it everything that has no lock is locked.")
    with reporting(quiet=as_json, events=False) as reporter:
        edit = lock(notebook, load_config(), upgrade=handles if upgrade else None, variant=variant, reporter=reporter)
    if as_json:
        print_json(edit.as_json())
        return
    for target in edit.requirements:
        change = f", {target.drift}" if target.drift else ""
        click.echo(f"'{target.requirement.handle}' {target.requirement.did}{lock_words(target.lock)}{change}")
    click.echo(f"Locked in {notebook}." if edit.changed else f"{notebook} was locked already.")
