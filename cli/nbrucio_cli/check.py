"""``nbrucio check``: do declaration, lock, code and data of notebooks agree?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import cli_command, expand, json_option, load_config, notebooks_argument, print_json

if TYPE_CHECKING:
    from nbrucio.operations.check import CheckReport


@click.command("check")
@notebooks_argument
@click.option("--offline", is_flag=True, help="Ask nobody: check declaration, lock and code only.")
@click.option("--github", is_flag=True, help="Write findings as annotations for GitHub Actions.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also write a JUnit report.")
@json_option
@cli_command
def command(notebooks: tuple[Path, ...], offline: bool, github: bool, junit: Path | None, as_json: bool) -> int:
    """Check each NOTEBOOK, or each notebook in a folder, for CI and pre-commit. Nothing is downloaded or written.

    \b
    2   a declaration cannot be used
    10  something is not locked, or the lock is for something else
    3   the code uses what is not declared, or Rucio's content changed
    4   a DID or a file is gone
    7, 8  the credentials are refused, or the instance cannot be reached
    """
    from nbrucio.operations.check import check
    from nbrucio.operations.check_formats import github_lines, junit_xml
    from nbrucio_cli.progress import reporting

    paths = expand(notebooks)
    config = None if offline else load_config()
    if config is not None and config.policy.offline:
        config = None
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

    for notebook in report.notebooks:
        if notebook.findings:
            click.echo(str(notebook.path))
        for finding in notebook.findings:
            click.echo(f"  {finding.code}: {finding.message}")
            for word, text in (("hint", finding.hint), ("next", finding.next_command)):
                if text:
                    click.echo(f"    {word}: {text}")
    bad = sum(1 for notebook in report.notebooks if notebook.findings)
    found = f"{plural(len(report.findings), 'finding')} in {bad:,} of" if bad else "Nothing found in"
    asked = "" if report.online else " Offline: whether the data is available was not checked."
    click.echo(f"{found} {plural(len(report.notebooks), 'notebook')}.{asked}")
