"""``nbrucio sync``: bring the data that notebooks declare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import (
    cli_command,
    expand,
    json_option,
    keep_consent,
    load_config,
    notebooks_argument,
    print_json,
    tell_errors,
    variant_option,
)

if TYPE_CHECKING:
    from nbrucio.pipeline.cached_status import CachedStatus


@click.command("sync")
@notebooks_argument
@click.option("--refresh", is_flag=True, help="Ask Rucio again about what was resolved before.")
@variant_option
@click.option("--locked", is_flag=True, help="End with 10 unless the notebook's lock is there and Rucio still agrees.")
@click.option("--frozen", is_flag=True, help="Take the notebook's lock and never ask Rucio what a DID contains.")
@click.option("--offline", is_flag=True, help="Use no network: what is here works, the rest is listed.")
@click.option("--dry-run", "-n", is_flag=True, help="Say what would be done, as `nbrucio plan`, and do nothing.")
@click.option("--stage", is_flag=True, help='First bring what has access "rule" to a mounted RSE, and wait for it.')
@click.option("--once", is_flag=True, help="Agree to this download only, not to the same by opening it in Jupyter.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@click.option("--events", is_flag=True, help="Write what happens as lines of JSON on stderr.")
@json_option
@cli_command
def command(
    notebooks: tuple[Path, ...],
    refresh: bool,
    variant: str | None,
    locked: bool,
    frozen: bool,
    offline: bool,
    dry_run: bool,
    stage: bool,
    once: bool,
    quiet: bool,
    events: bool,
    as_json: bool,
) -> int:
    """Bring the data that each NOTEBOOK, or each notebook in a folder, declares.

    What is here already costs nothing; what is not is downloaded and verified. The notebook itself is never written.
    """
    if refresh + locked + frozen > 1:
        raise click.UsageError("--refresh, --locked and --frozen exclude each other.")
    paths, config = expand(notebooks), load_config()
    if not (refresh or locked or frozen or dry_run or stage or events or as_json):
        from nbrucio.pipeline.cached_status import cached_status

        # Loads a tenth of what a sync needs, and is all that the commonest one comes to.
        cached = cached_status(paths, config, variant=variant, synced=True)
        if cached is not None:
            return _nothing_to_do(cached, quiet=quiet)
    from nbrucio.pipeline.estimate import estimate
    from nbrucio.pipeline.options import Options
    from nbrucio.pipeline.run import sync

    options = Options(refresh=refresh, offline=offline, locked=locked, frozen=frozen, variant=variant)
    if dry_run:
        from nbrucio_cli.estimates import show

        return show(estimate(paths, config, options=options), as_json=as_json)
    from nbrucio_cli.progress import reporting
    from nbrucio_cli.tables import print_report

    with reporting(quiet=quiet or as_json, events=events) as reporter:
        if stage:
            from nbrucio_cli.stage import stage_declared

            stage_declared(paths, config, reporter)
        begins = None if once else keep_consent
        report = sync(paths, config, options=options, reporter=reporter, begins=begins)
    if as_json:
        print_json(report.as_json())
    elif not quiet:
        print_report(report)
    tell_errors(report.errors())
    return report.exit_code


def _nothing_to_do(cached: Sequence[CachedStatus], *, quiet: bool) -> int:
    from nbrucio_cli.rows import cached_lines

    for line in () if quiet else cached_lines(cached, "sync"):
        click.echo(line)
    return 0
