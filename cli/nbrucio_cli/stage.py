"""``nbrucio stage``: ask Rucio for a replica on a mounted RSE."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio.config import Config
from nbrucio.core.events import Reporter
from nbrucio.core.named import named
from nbrucio_cli.common import (
    cli_command,
    expand,
    instance_option,
    json_option,
    load_config,
    print_json,
    tell_errors,
)
from nbrucio_cli.completing import declared_handles, notebooks_or_handles
from nbrucio_cli.missing_notebook import notebook_argument

if TYPE_CHECKING:
    from nbrucio.operations.stage_report import StageReport

_ACTS = {act: f"rule {act}" for act in ("reused", "renewed", "removed")} | {"made": "rule added", "found": "rule"}


def stage_declared(notebooks: Sequence[Path], config: Config, reporter: Reporter) -> None:
    """Stage the data that the notebooks declare with access "rule", and wait for its rules.

    Raises:
        NbrucioError: no notebook has such a requirement, or a rule did not become OK.
    """
    from nbrucio.operations.follow_rules import follow
    from nbrucio.operations.stage import stage

    report = follow(stage(notebooks, config, reporter=reporter), config, reporter=reporter)
    for error in report.errors():
        raise error


@click.command("stage")
@notebook_argument
@click.argument("words", nargs=-1, metavar="[NOTEBOOK|HANDLE…]", shell_complete=notebooks_or_handles)
@click.option("--rse", metavar="RSE", help="A mounted RSE, if not the first one in the configuration.")
@click.option("--days", type=click.IntRange(1, 365), help="Lifetime of the rules; 14 unless configured.")
@click.option("--wait", is_flag=True, help="Wait until the rules are OK, stuck or waiting for approval.")
@click.option(
    "--list", "only_list", is_flag=True, help="List the rules of the handles, or of all data; change nothing."
)
@click.option(
    "--remove", is_flag=True, help="Remove the rules that `nbrucio stage` made for the handles, or for all data."
)
@instance_option
@json_option
@cli_command
def command(
    notebook: Path,
    words: tuple[str, ...],
    rse: str | None,
    days: int | None,
    wait: bool,
    only_list: bool,
    remove: bool,
    as_json: bool,
) -> int:
    """Add replication rules for data of each NOTEBOOK, or each notebook in a folder, on an RSE that is mounted here.

    Stages the named handles, or without HANDLE those declared with access "rule". Data of several notebooks gets one
    rule. An existing rule of yours is reused, and renewed after half of its lifetime. `nbrucio sync` then uses the
    mounted replica in place.

    All new rules together must be within your quota, else none is made.
    """
    from nbrucio.operations.follow_rules import follow
    from nbrucio.operations.stage import list_rules, remove_rules, stage
    from nbrucio_cli.progress import reporting

    if only_list + remove + wait > 1:
        raise click.UsageError("--list, --remove and --wait exclude each other.")
    paths, handles = _notebooks_and_handles(notebook, words)
    config = load_config()
    with reporting(quiet=as_json, events=False) as reporter:
        if only_list or remove:
            report = (list_rules if only_list else remove_rules)(paths, config, handles=handles, rse=rse)
        else:
            report = stage(
                paths,
                config,
                handles=handles,
                rse=rse,
                lifetime_s=days and days * 86_400,
                reporter=reporter,
            )
        if wait:
            report = follow(report, config, reporter=reporter)
    if as_json:
        print_json(report.as_json())
    else:
        if remove and not report.rules:
            click.echo("nbrucio made no rules for this data.")
        _print_rules(report, several=len(paths) > 1)
    tell_errors(error for each in report.rules if each.error for error in named([each.error], each.notebook))
    tell_errors(report.faults)
    return report.exit_code


def _notebooks_and_handles(notebook: Path, words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Return the notebooks and the handles of a command line. A Python identifier is a handle, unless it is the name of
    a folder and of no handle in the notebooks before it.
    """
    given, handles = [notebook], []
    for word in words:
        if not word:
            raise click.UsageError("The name of a notebook or of a handle is empty.")
        if word.isidentifier() and not (Path(word).is_dir() and word not in declared_handles(expand(given))):
            handles.append(word)
        else:
            given.append(Path(word))
    return expand(given), handles


def _print_rules(report: StageReport, *, several: bool) -> None:
    from nbrucio.operations.follow_rules import progress_words

    for each in report.rules:
        words = f"{_ACTS[each.act]}: {progress_words(each.rule)}" if each.rule else "no rule"
        click.echo(f"{f'{each.notebook} ' if several else ''}'{each.handle}' {words}")
