"""``nbrucio sync``: download the data that notebooks declare."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbrucio_cli.common import (
    cli_command,
    expand,
    instance_option,
    json_option,
    keep_consent,
    limited_to,
    load_config,
    only_from,
    print_json,
    rse_option,
    tell_errors,
    variant_option,
)
from nbrucio_cli.missing_notebook import GivenPath, notebooks_argument

if TYPE_CHECKING:
    from nbrucio.core.report import SyncReport
    from nbrucio.pipeline.cached_status import CachedStatus
    from nbrucio.pipeline.options import Options


@click.command("sync")
@notebooks_argument
@click.option("--refresh", is_flag=True, help="Ask Rucio again for file lists that are already known.")
@instance_option
@variant_option
@click.option("--locked", is_flag=True, help="Fail with exit code 10 unless all data is locked and unchanged in Rucio.")
@click.option("--frozen", is_flag=True, help="Use the notebook's lock, and do not ask Rucio what a DID contains.")
@click.option(
    "--part", metavar="I/N", help="With --frozen or --locked: sync the I-th of N parts of the files, for job arrays."
)
@click.option(
    "--offline", is_flag=True, help="Use only cached and mounted files, without a network; list missing ones."
)
@click.option("--dry-run", "-n", is_flag=True, help="Show what the sync would do, like `nbrucio plan`.")
@click.option("--stage", is_flag=True, help='First stage data with access "rule", as `nbrucio stage --wait`.')
@rse_option
@click.option(
    "--links",
    type=GivenPath("folder", file_okay=False),
    metavar="DIR",
    help="Also link the files of each handle of one NOTEBOOK in DIR/HANDLE.",
)
@click.option("--once", is_flag=True, help="Consent to this download only: opening the notebook in Jupyter asks again.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors only.")
@click.option("--events", is_flag=True, help="Write each event as a line of JSON on stderr.")
@json_option
@cli_command
def command(
    notebooks: tuple[Path, ...],
    refresh: bool,
    variant: str | None,
    locked: bool,
    frozen: bool,
    part: str | None,
    offline: bool,
    dry_run: bool,
    stage: bool,
    rse: str | None,
    links: Path | None,
    once: bool,
    quiet: bool,
    events: bool,
    as_json: bool,
) -> int:
    """Download the data that each NOTEBOOK, or each notebook in a folder, declares.

    Cached and mounted files are used as they are; missing ones are downloaded and verified. A sync never changes
    NOTEBOOK.
    """
    if refresh + locked + frozen > 1:
        raise click.UsageError("--refresh, --locked and --frozen exclude each other.")
    if part is not None and not (locked or frozen):
        raise click.UsageError("--part goes with --frozen or --locked: parts of a list that changes would overlap.")
    paths, config = _notebooks(notebooks, links), only_from(load_config(), rse)
    if not (links or refresh or locked or frozen or dry_run or stage or events or as_json):
        from nbrucio.pipeline.cached_status import cached_status

        # The commonest sync has nothing to do. This path imports a tenth of the modules of a full one.
        cached = cached_status(paths, config, variant=variant, synced=True)
        if cached is not None:
            return _nothing_to_do(cached, quiet=quiet)
    from nbrucio.pipeline.estimate import estimate
    from nbrucio.pipeline.run import sync

    options = _options(part, links, refresh=refresh, offline=offline, locked=locked, frozen=frozen, variant=variant)
    if dry_run:
        from nbrucio_cli.estimates import show

        return show(estimate(paths, config, options=options), as_json=as_json)
    from nbrucio_cli.progress import reporting

    with reporting(quiet=quiet or as_json, events=events) as reporter:
        if stage:
            from nbrucio_cli.stage import stage_declared

            stage_declared(paths, config, reporter)
        begins = None if once else keep_consent
        report = sync(paths, config, options=options, reporter=reporter, begins=begins)
    return _finish(report, rse, links, quiet=quiet, as_json=as_json)


def _notebooks(given: Sequence[Path], links: Path | None) -> list[Path]:
    found = expand(given)
    if links is not None and len(found) != 1:
        raise click.UsageError("--links takes one NOTEBOOK.")
    return found


def _options(part: str | None, links: Path | None, **given: Any) -> Options:  # noqa: ANN401 - the fields of Options
    """Return the options of the sync. A part is published to the runtime folder of its job, or nowhere but in links:
    two parts on one node would replace each other's lists.
    """
    from nbrucio.pipeline.options import Options

    if part is None:
        return Options(**given)
    from nbrucio.core.part import Part

    options = Options(part=Part.parse(part), **given)
    if os.environ.get("NBRUCIO_RUNTIME_DIR"):
        return options
    if links is None:
        raise click.UsageError(
            "--part needs --links DIR, or NBRUCIO_RUNTIME_DIR set to a folder of this job, for example in $TMPDIR."
        )
    folder = tempfile.TemporaryDirectory(prefix="nbrucio-")
    click.get_current_context().call_on_close(folder.cleanup)
    return options._replace(runtime=Path(folder.name))


def _finish(report: SyncReport, rse: str | None, links: Path | None, *, quiet: bool, as_json: bool) -> int:
    """Make the folder of links, print everything, and return the exit code."""
    from nbrucio.errors import envelope, exit_code_for
    from nbrucio.operations.links import link_files
    from nbrucio_cli.tables import print_report

    made = [] if links is None else link_files(report.notebooks[0], links)
    faults = [one.error for one in made if one.error is not None]
    code = exit_code_for([*report.errors(), *faults])
    if as_json:
        shown = {} if links is None else {"links": [one.as_json() for one in made]}
        print_json({**report.as_json(), **envelope([*report.errors(), *faults]), **shown})
    elif not quiet:
        print_report(report)
        for one in made:
            if one.error is None:
                click.echo(one.words())
    tell_errors(
        (limited_to(error, rse) for error in report.errors()), notebooks=[each.path for each in report.notebooks]
    )
    tell_errors(faults)
    return code


def _nothing_to_do(cached: Sequence[CachedStatus], *, quiet: bool) -> int:
    from nbrucio_cli.rows import cached_lines

    for line in () if quiet else cached_lines(cached, "sync"):
        click.echo(line)
    return 0
