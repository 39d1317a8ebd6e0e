"""``nbrucio plan``: what a sync would do."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import (
    cli_command,
    expand,
    json_option,
    load_config,
    notebooks_argument,
    variant_option,
)


@click.command("plan")
@notebooks_argument
@click.option("--refresh", is_flag=True, help="Ask Rucio again about what was resolved before.")
@variant_option
@click.option("--locked", is_flag=True, help="As `sync --locked`.")
@click.option("--frozen", is_flag=True, help="As `sync --frozen`.")
@click.option("--offline", is_flag=True, help="Use no network.")
@json_option
@cli_command
def command(
    notebooks: tuple[Path, ...],
    refresh: bool,
    variant: str | None,
    locked: bool,
    frozen: bool,
    offline: bool,
    as_json: bool,
) -> int:
    """Say what `nbrucio sync` would do for each NOTEBOOK: files, bytes, how each is had, time and space.

    Nothing is downloaded or written. Ends with the code that the sync would end with, as far as it can be told.
    """
    from nbrucio.pipeline.estimate import estimate
    from nbrucio.pipeline.options import Options
    from nbrucio_cli.estimates import show

    options = Options(refresh=refresh, offline=offline, locked=locked, frozen=frozen, variant=variant)
    return show(estimate(expand(notebooks), load_config(), options=options), as_json=as_json)
