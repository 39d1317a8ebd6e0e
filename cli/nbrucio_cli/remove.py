"""``nbrucio remove``: remove requirements from a notebook."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import cli_command, json_option, print_json, tell_warnings
from nbrucio_cli.completing import handles
from nbrucio_cli.missing_notebook import notebook_argument


@click.command("remove")
@notebook_argument
@click.argument("names", nargs=-1, required=True, metavar="HANDLE|DID…", shell_complete=handles)
@json_option
@cli_command
def command(notebook: Path, names: tuple[str, ...], as_json: bool) -> None:
    """Remove requirements and their locks from NOTEBOOK. Cached files stay."""
    from nbrucio.operations.edit import remove

    edit = remove(notebook, names)
    if as_json:
        print_json(edit.as_json())
        return
    for target in edit.requirements:
        click.echo(f"Removed '{target.requirement.handle}' ({target.requirement.did})")
    tell_warnings(edit.warnings)
