"""``nbrucio stage``: have Rucio bring data to an RSE that is mounted here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from nbrucio.config import Config
from nbrucio.core.events import Reporter
from nbrucio_cli.common import (
    cli_command,
    json_option,
    load_config,
    notebook_argument,
    print_json,
    tell_errors,
)


def stage_declared(notebooks: Sequence[Path], config: Config, reporter: Reporter) -> None:
    """Stage what the notebooks declare with access "rule", and follow it to its end.

    Raises:
        NbrucioError: a notebook declares nothing of the kind, or the first rule that is not OK.
    """
    from nbrucio.operations.stage import follow, stage

    for notebook in notebooks:
        staged = follow(stage(notebook, config, reporter=reporter), config, notebook, reporter=reporter)
        for each in staged:
            if each.error is not None:
                raise each.error


@click.command("stage")
@notebook_argument
@click.argument("handles", nargs=-1, metavar="[HANDLE…]")
@click.option("--rse", metavar="RSE", help="A mounted RSE; the first in the configuration when left out.")
@click.option("--days", type=click.IntRange(1, 365), help="How long Rucio keeps it; 14 unless the configuration says.")
@click.option("--wait", is_flag=True, help="Follow the rules until they are OK or stuck.")
@click.option("--list", "only_list", is_flag=True, help="Only show the rules.")
@click.option("--remove", is_flag=True, help="Remove the rules that this verb made.")
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
    """Make replication rules that bring data of NOTEBOOK to an RSE that is mounted here.

    For the named handles, else for those declared with access "rule". A rule that you have already is reused, and
    renewed once half of its time is over. `nbrucio sync` then uses the copy in place.
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
        for each in staged:
            words = progress_words(each.rule) if each.rule else "no rule"
            click.echo(f"'{each.handle}' {each.act}: {words}")
    tell_errors(errors)
    return code
