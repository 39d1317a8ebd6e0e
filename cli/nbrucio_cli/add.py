"""``nbrucio add``: declare DIDs in a notebook."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import (
    cli_command,
    json_option,
    keep_consent,
    load_config,
    notebook_argument,
    print_json,
)
from nbrucio_cli.completing import instances


@click.command("add")
@notebook_argument
@click.argument("dids", nargs=-1, required=True, metavar="DID…")
@click.option("--as", "handle", metavar="HANDLE", help="The name that code uses for it; by default made from the DID.")
@click.option(
    "--instance",
    metavar="NAME",
    shell_complete=instances,
    help="The Rucio instance of the DIDs, if not the default one.",
)
@click.option("--offline", is_flag=True, help="Add without asking Rucio: the DIDs are neither checked nor locked.")
@json_option
@cli_command
def command(
    notebook: Path, dids: tuple[str, ...], handle: str | None, instance: str | None, offline: bool, as_json: bool
) -> None:
    """Declare DIDs (SCOPE:NAME) in NOTEBOOK and lock their present files.

    Downloads nothing: run `nbrucio sync` for that. Opening NOTEBOOK in Jupyter also downloads, up to the locked size.
    """
    from nbrucio.core.did import Did
    from nbrucio.core.planner import Wanted
    from nbrucio.operations.edit import add
    from nbrucio_cli.progress import reporting
    from nbrucio_cli.rows import quoted
    from nbrucio_cli.tables import lock_words

    parsed = [Did.parse(did) for did in dids]
    with reporting(quiet=as_json, events=False) as reporter:
        edit = add(
            notebook, parsed, load_config(), handle=handle, instance=instance, offline=offline, reporter=reporter
        )
    sizes = [(target, target.lock.size_bytes or 0) for target in edit.requirements if target.lock is not None]
    keep_consent(Wanted(target.instance, target.requirement.did, size, size) for target, size in sizes)
    if as_json:
        print_json(edit.as_json())
        return
    for target in edit.requirements:
        click.echo(f"Added {target.requirement.did} as '{target.requirement.handle}'{lock_words(target.lock)}")
    first = edit.requirements[0].requirement.handle
    click.echo(f"next: nbrucio sync {quoted(notebook)}")
    click.echo(f'Then, in the notebook: nbrucio.data["{first}"]')
