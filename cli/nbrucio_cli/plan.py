"""``nbrucio plan``: show what a sync would do."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import (
    cli_command,
    expand,
    instance_option,
    json_option,
    load_config,
    only_from,
    rse_option,
    variant_option,
)
from nbrucio_cli.missing_notebook import notebooks_argument


@click.command("plan")
@notebooks_argument
@click.option("--refresh", is_flag=True, help="Ask Rucio again for file lists that are already known.")
@instance_option
@variant_option
@click.option("--locked", is_flag=True, help="Plan a `sync --locked`.")
@click.option("--frozen", is_flag=True, help="Plan a `sync --frozen`.")
@click.option("--offline", is_flag=True, help="Use no network.")
@click.option("--exact", is_flag=True, help="Ask Rucio for the replicas of each file, also of many.")
@rse_option
@json_option
@cli_command
def command(
    notebooks: tuple[Path, ...],
    refresh: bool,
    variant: str | None,
    locked: bool,
    frozen: bool,
    offline: bool,
    exact: bool,
    rse: str | None,
    as_json: bool,
) -> int:
    """Show what `nbrucio sync` would do for each NOTEBOOK: files, bytes, access, time and space.

    Downloads and writes nothing. Of more than 1,000 missing files, Rucio's own sums say where they are, unless --exact
    asks for each. The exit code is that of the sync, as far as it is known beforehand.
    """
    from nbrucio.pipeline.estimate import estimate
    from nbrucio.pipeline.options import Options
    from nbrucio_cli.estimates import show

    options = Options(refresh=refresh, offline=offline, locked=locked, frozen=frozen, variant=variant)
    config = only_from(load_config(), rse)
    return show(estimate(expand(notebooks), config, options=options, exact=exact), as_json=as_json)
