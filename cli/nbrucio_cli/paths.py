"""``nbrucio paths``: print the paths of a notebook's files."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import (
    cli_command,
    json_option,
    load_config,
    named,
    notebook_argument,
    print_json,
    tell_errors,
    variant_option,
)
from nbrucio_cli.completing import handles as completed_handles


@click.command("paths")
@notebook_argument
@click.argument("handles", nargs=-1, metavar="[HANDLE|DID…]", shell_complete=completed_handles)
@click.option("--folder", is_flag=True, help="Print the folder of links to the files instead of each file.")
@variant_option
@json_option
@cli_command
def command(notebook: Path, handles: tuple[str, ...], folder: bool, variant: str | None, as_json: bool) -> int:
    """Print the paths of NOTEBOOK's files, one per line, for shell scripts and other programs.

    A streamed file has a URL instead of a path. Works offline, with the result of the last sync.
    """
    from nbrucio.core.requirement import not_declared
    from nbrucio.errors import exit_code_for
    from nbrucio.pipeline.options import Options
    from nbrucio.pipeline.run import sync

    report = sync([notebook], load_config(), options=Options(offline=True, variant=variant)).notebooks[0]
    wanted = [
        requirement
        for requirement in report.requirements
        if not handles
        or {requirement.resolved.requirement.handle, str(requirement.resolved.requirement.did)} & {*handles}
    ]
    known = {name for r in wanted for name in (r.resolved.requirement.handle, str(r.resolved.requirement.did))}
    for handle in handles:
        if handle not in known:
            raise not_declared(handle, notebook, (r.resolved.requirement for r in report.requirements))
    if as_json:
        print_json({"version": 1, "requirements": [requirement.as_json() for requirement in wanted]})
    elif folder:
        click.echo("\n".join(str(requirement.folder) for requirement in wanted if requirement.folder))
    else:
        for requirement in wanted:
            for file in requirement.here:
                click.echo(str(file.path or file.pfn))
    errors = [*report.faults, *(error for requirement in wanted for error in requirement.errors())]
    tell_errors(named(errors, notebook))
    return exit_code_for(errors)
