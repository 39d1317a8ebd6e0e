"""``nbrucio stage``: ask Rucio for a replica on a mounted RSE."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from nbrucio.config import Config
from nbrucio.core.events import Reporter
from nbrucio_cli.common import (
    cli_command,
    instance_option,
    json_option,
    load_config,
    named,
    notebook_argument,
    print_json,
    tell_errors,
)
from nbrucio_cli.completing import handles as completed_handles

_ACTS = {act: f"rule {act}" for act in ("reused", "renewed", "removed")} | {"made": "rule added", "found": "rule"}


def stage_declared(notebooks: Sequence[Path], config: Config, reporter: Reporter) -> None:
    """Stage the data that the notebooks declare with access "rule", and wait for its rules.

    Raises:
        NbrucioError: a notebook lacks such a requirement, or a rule did not become OK.
    """
    from nbrucio.operations.stage import follow, stage

    for notebook in notebooks:
        staged = follow(stage(notebook, config, reporter=reporter), config, notebook, reporter=reporter)
        for each in staged:
            if each.error is not None:
                raise each.error


@click.command("stage")
@notebook_argument
@click.argument("handles", nargs=-1, metavar="[HANDLE…]", shell_complete=completed_handles)
@click.option("--rse", metavar="RSE", help="A mounted RSE, if not the first one in the configuration.")
@click.option("--days", type=click.IntRange(1, 365), help="Lifetime of the rules; 14 unless configured.")
@click.option("--wait", is_flag=True, help="Wait until the rules are OK or stuck.")
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
    handles: tuple[str, ...],
    rse: str | None,
    days: int | None,
    wait: bool,
    only_list: bool,
    remove: bool,
    as_json: bool,
) -> int:
    """Add replication rules for data of NOTEBOOK on an RSE that is mounted here.

    Stages the named handles, or without HANDLE those declared with access "rule". An existing rule of yours is reused,
    and renewed after half of its lifetime. `nbrucio sync` then uses the mounted replica in place.
    """
    from nbrucio.errors import exit_code_for
    from nbrucio.operations.stage import follow, list_rules, progress_words, remove_rules, stage
    from nbrucio_cli.progress import reporting

    if only_list + remove + wait > 1:
        raise click.UsageError("--list, --remove and --wait exclude each other.")
    config = load_config()
    with reporting(quiet=as_json, events=False) as reporter:
        if only_list or remove:
            staged = (list_rules if only_list else remove_rules)(notebook, config, handles=handles, rse=rse)
        else:
            staged = stage(
                notebook, config, handles=handles, rse=rse, lifetime_s=days and days * 86_400, reporter=reporter
            )
        if wait:
            staged = follow(staged, config, notebook, reporter=reporter)
    errors = [each.error for each in staged if each.error is not None]
    code = exit_code_for(errors)
    if as_json:
        print_json({"version": 1, "exit_code": code, "rules": [each.as_json() for each in staged]})
    else:
        if remove and not staged:
            click.echo("nbrucio made no rules for this data.")
        for each in staged:
            words = f"{_ACTS[each.act]}: {progress_words(each.rule)}" if each.rule else "no rule"
            click.echo(f"'{each.handle}' {words}")
    tell_errors(named(errors, notebook))
    return code
