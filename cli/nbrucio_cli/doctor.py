"""``nbrucio doctor``: check everything that a sync needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio.kernel.quoting import quoted_path
from nbrucio_cli.common import cli_command, json_option, print_json
from nbrucio_cli.missing_notebook import GivenPath

if TYPE_CHECKING:
    from nbrucio.operations.doctor import Diagnosis, Finding


@click.command("doctor")
@click.argument("notebooks", nargs=-1, metavar="[NOTEBOOK]…", type=GivenPath("notebook"))
@json_option
@cli_command
def command(notebooks: tuple[Path, ...], as_json: bool) -> int:
    """Check configuration, servers, clock, logins, protocols, store, kernels and Jupyter.

    With NOTEBOOK it also checks whether the data can be obtained and whether the logins last as long as the download.
    Each problem is printed with the action that mends it. The exit code is that of the most serious error; warnings
    count as 0.
    """
    from nbrucio.operations.doctor import diagnose
    from nbrucio_cli.common import expand

    found = diagnose(expand(notebooks))
    if as_json:
        print_json(found.as_json())
    else:
        click.echo("\n".join(_lines(found)))
    return found.exit_code


def _lines(found: Diagnosis) -> Iterator[str]:
    for area, findings in found.areas.items():
        if findings:
            yield area
            for finding in findings:
                yield from _finding(finding, area)
    yield _verdict(found)


def _finding(finding: Finding, area: str) -> Iterator[str]:
    yield f"  {finding.state.value:<9}  {finding.text}"
    command = finding.command_here
    actions = [finding.hint_here, f"next: {command}" if command else None]
    for action in filter(None, actions):
        # In the area of notebooks, an error's action says NOTEBOOK for the one that it is about.
        yield f"{'':13}{action.replace('NOTEBOOK', quoted_path(finding.subject)) if area == 'data' else action}"


def _verdict(found: Diagnosis) -> str:
    from nbrucio.core.text import plural

    states = [finding.state.value for findings in found.areas.values() for finding in findings]
    unchecked = f", {states.count('unchecked')} not checked" if "unchecked" in states else ""
    return f"{plural(states.count('error'), 'error')}, {plural(states.count('warning'), 'warning')}{unchecked}."
