"""``nbrucio paths``: print the paths of a notebook's files, or their list as other programs take it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio.core.named import named
from nbrucio_cli.common import (
    cli_command,
    json_option,
    load_config,
    print_json,
    tell_errors,
    variant_option,
)
from nbrucio_cli.completing import handles as completed_handles
from nbrucio_cli.missing_notebook import notebook_argument

if TYPE_CHECKING:
    from nbrucio.core.report import NotebookReport, RequirementReport


@click.command("paths")
@notebook_argument
@click.argument("handles", nargs=-1, metavar="[HANDLE|DID…]", shell_complete=completed_handles)
@click.option("--folder", is_flag=True, help="Print the folder of links to the files instead of each file.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["coffea", "uproot", "rdataframe", "json", "csv"]),
    help="Print all files as a fileset of coffea or uproot.dask, for RDataFrame, or as a table.",
)
@click.option("--tree", metavar="NAME", help="With --format: the tree or RNTuple to read.")
@variant_option
@json_option
@cli_command
def command(
    notebook: Path,
    handles: tuple[str, ...],
    folder: bool,
    form: str | None,
    tree: str | None,
    variant: str | None,
    as_json: bool,
) -> int:
    """Print the paths of NOTEBOOK's files, one per line, for shell scripts and other programs.

    A streamed file has a URL instead of a path. Works offline, with the result of the last sync. With --format nothing
    is printed while a file is missing.
    """
    from nbrucio.errors import exit_code_for
    from nbrucio.pipeline.options import Options
    from nbrucio.pipeline.run import sync

    if folder + as_json + (form is not None) > 1:
        raise click.UsageError("--folder, --format and --json exclude each other.")
    if tree is not None and form is None:
        raise click.UsageError("--tree goes with --format.")
    options = Options(offline=True, variant=variant, local=True)
    report = sync([notebook], load_config(), options=options).notebooks[0]
    wanted = _wanted(report, handles, notebook)
    errors = list(
        named([*report.faults, *(error for requirement in wanted for error in requirement.errors())], notebook)
    )
    if form is not None:
        from nbrucio.operations.export.filesets import filesets_text

        if not errors:
            click.echo(filesets_text(wanted, form, tree))
    elif as_json:
        print_json({"requirements": [requirement.as_json() for requirement in wanted]}, errors)
    elif folder:
        click.echo("\n".join(str(requirement.folder) for requirement in wanted if requirement.folder))
    else:
        for requirement in wanted:
            for file in requirement.here:
                click.echo(str(file.path or file.pfn))
    tell_errors(errors)
    return exit_code_for(errors)


def _wanted(report: NotebookReport, handles: Sequence[str], notebook: Path) -> list[RequirementReport]:
    """Return the requirements with these handles or DIDs; all without any."""
    from nbrucio.core.requirement import not_declared

    declared = [each.resolved.requirement for each in report.requirements]
    names = [{one.handle, str(one.did)} for one in declared]
    for handle in handles:
        if not any(handle in found for found in names):
            raise not_declared(handle, notebook, declared)
    return [each for each, found in zip(report.requirements, names, strict=True) if not handles or found & {*handles}]
