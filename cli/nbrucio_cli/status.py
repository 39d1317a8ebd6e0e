"""``nbrucio status``: show which data is ready and which is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio.core.named import named
from nbrucio_cli.common import (
    cli_command,
    expand,
    instance_option,
    json_option,
    load_config,
    print_json,
    tell_errors,
    variant_option,
)
from nbrucio_cli.missing_notebook import notebooks_argument

if TYPE_CHECKING:
    from nbrucio.config import Config


@click.command("status")
@notebooks_argument
@click.option("--check", is_flag=True, help="Ask Rucio whether locked data has changed.")
@instance_option
@variant_option
@json_option
@cli_command
def command(notebooks: tuple[Path, ...], check: bool, variant: str | None, as_json: bool) -> int:
    """Show which data of each NOTEBOOK is ready and which is missing.

    Changes nothing, and works offline without --check. Missing data is exit code 0; an unreadable notebook is an error.
    """
    from nbrucio.pipeline.cached_status import cached_status
    from nbrucio_cli.rows import cached_lines

    paths, config = expand(notebooks), load_config()
    cached = None if check or as_json else cached_status(paths, config, variant=variant)
    if cached is None:
        return _inspect(paths, config, variant=variant, check=check, as_json=as_json)
    for line in cached_lines(cached, "status"):
        click.echo(line)
    _warn_of_ends([each.path for each in cached if each.unready], config)
    return 0


def _inspect(paths: list[Path], config: Config, *, variant: str | None, check: bool, as_json: bool) -> int:
    from nbrucio.errors import Offline
    from nbrucio.pipeline.status import status
    from nbrucio_cli.rows import next_lines
    from nbrucio_cli.tables import print_report

    report = status(paths, config, variant=variant, check=check)
    unready = [nb.path for nb in report.notebooks if any(r.state != "ready" for r in nb.requirements)]
    faults = [fault for notebook in report.notebooks for fault in named(notebook.faults, notebook.path)]
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report)
        for line in next_lines(unready):
            click.echo(line)
    _warn_of_ends(unready, config)
    # Unresolved data is not an error: this verb does not ask Rucio.
    reasons = [
        error
        for notebook in report.notebooks
        for error in named((row.resolved.error for row in notebook.requirements if row.resolved.error), notebook.path)
        if not isinstance(error, Offline)
    ]
    tell_errors([*faults, *reasons], notebooks=paths)
    return report.exit_code


def _warn_of_ends(unready: list[Path], config: Config) -> None:
    """Warn of logins that end soon, if data is missing: a sync needs them."""
    if unready:
        from nbrucio.pipeline.login_ends import ending_logins

        for warning in ending_logins(unready, config, os.environ):
            click.echo(f"warning: {warning.as_line()}", err=True)
