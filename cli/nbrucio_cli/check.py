"""``nbrucio check``: compare declaration, lock, code and data of notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import (
    cli_command,
    expand,
    instance_option,
    json_option,
    load_config,
    print_json,
)
from nbrucio_cli.error_text import next_step
from nbrucio_cli.missing_notebook import GivenPath, notebooks_argument

if TYPE_CHECKING:
    from nbrucio.operations.check import CheckReport


@click.command("check")
@notebooks_argument
@click.option("--offline", is_flag=True, help="Check declaration, lock and code only, without Rucio.")
@click.option("--github", is_flag=True, help="Print findings as annotations for GitHub Actions.")
@click.option("--junit", type=GivenPath("report", dir_okay=False), help="Also write a JUnit report.")
@instance_option
@json_option
@cli_command
def command(notebooks: tuple[Path, ...], offline: bool, github: bool, junit: Path | None, as_json: bool) -> int:
    """Check each NOTEBOOK, or each notebook in a folder, for CI and pre-commit.

    Downloads nothing and changes no notebook. Exit codes:

    \b
    2   a notebook or its declaration is invalid
    3   the code uses undeclared data, or the data changed in Rucio
    4   a DID does not exist, or a file has no replica on disk
    7   login failed
    8   an instance cannot be reached
    10  a requirement is not locked, or its lock is for other data
    """
    from nbrucio.operations.check import check
    from nbrucio.operations.check_formats import github_lines, junit_xml
    from nbrucio_cli.progress import reporting

    paths = expand(notebooks)
    config = None if offline else load_config()
    with reporting(quiet=True, events=False) as reporter:
        report = check(paths, config, reporter=reporter)
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.write_bytes(junit_xml(report))
    if as_json:
        print_json(report.as_json())
    elif github:
        for line in github_lines(report):
            click.echo(line)
    else:
        _print(report)
    return report.exit_code


def _print(report: CheckReport) -> None:
    from nbrucio.core.text import plural
    from nbrucio.kernel.errors import printable

    for notebook in report.notebooks:
        if notebook.findings or notebook.notes:
            click.echo(printable(str(notebook.path)))
        for finding in notebook.findings:
            click.echo(f"  {finding.code}: {finding.message}")
            for word, text in (("hint", finding.hint_here), ("next", finding.command_here)):
                if text:
                    click.echo(f"    {word}: {text}")
        for note in notebook.notes:
            click.echo(f"  note: {note.message}")
            if note.next_command:
                click.echo(f"    {next_step(note.next_command)}")
    bad = sum(1 for notebook in report.notebooks if notebook.findings)
    found = f"{plural(len(report.findings), 'finding')} in {bad:,} of" if bad else "No findings in"
    asked = "" if report.online else " Offline: availability in Rucio was not checked."
    click.echo(f"{found} {plural(len(report.notebooks), 'notebook')}.{asked}")
