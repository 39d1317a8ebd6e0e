"""``nbrucio upload``: upload files to an RSE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json, tell_errors
from nbrucio_cli.completing import instances
from nbrucio_cli.error_text import next_step
from nbrucio_cli.missing_notebook import GivenPath

if TYPE_CHECKING:
    from nbrucio.operations.upload.upload import UploadReport


@click.command("upload")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=GivenPath("file"))
@click.option("--rse", required=True, metavar="RSE", help="The RSE that receives the files.")
@click.option("--scope", required=True, metavar="SCOPE", help="The scope of the files' DIDs.")
@click.option(
    "--dataset",
    metavar="NAME",
    help="Attach the files to this dataset, [SCOPE:]NAME, which is created if it does not exist.",
)
@click.option(
    "--lifetime",
    metavar="DURATION",
    help="Lifetime of the files, such as 12h, 30d or 2w; by default they do not expire.",
)
@click.option("--instance", metavar="NAME", shell_complete=instances, help="The instance, if not the default one.")
@json_option
@cli_command
def command(
    paths: tuple[Path, ...],
    rse: str,
    scope: str,
    dataset: str | None,
    lifetime: str | None,
    instance: str | None,
    as_json: bool,
) -> int:
    """Upload files, and the files below folders, to an RSE and register them as SCOPE:NAME.

    Files that the RSE already has are skipped: after an interruption, run the same command again.

    \b
    nbrucio upload hist.root --rse CERN-SCRATCHDISK --scope user.jdoe
    nbrucio upload results/ --rse CERN-SCRATCHDISK --scope user.jdoe --dataset results.v1 --lifetime 30d
    """
    from nbrucio.core.did import Did
    from nbrucio.core.events import Noticed
    from nbrucio.core.units import parse_lifetime
    from nbrucio.operations.upload.upload import UploadTarget, upload
    from nbrucio_cli.progress import reporting

    attached = Did.parse(dataset if ":" in dataset else f"{scope}:{dataset}") if dataset else None
    target = UploadTarget(rse, scope, attached, parse_lifetime(lifetime) if lifetime else None, instance)
    with reporting(quiet=as_json, events=False, act="Uploading") as reporter:

        def answer(words: str) -> None:  # what operators ask for: the error has nbrucio's words
            reporter.report(Noticed(f"answer: {words}"))

        report = upload(paths, target, load_config(), reporter=reporter, detail=answer)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    tell_errors(report.errors())
    return report.exit_code


def _print(report: UploadReport) -> None:
    from nbrucio.core.text import human_bytes, plural
    from nbrucio_cli.tables import print_table

    print_table((result.state, str(result.file.did), human_bytes(result.file.size_bytes)) for result in report.files)
    target = report.target
    there = [result.file for result in report.files if result.state in ("uploaded", "present")]
    words = f"{len(there):,} of {plural(len(report.files), 'file')} at {target.rse}"
    already = report.count("present")
    click.echo(words + (f", {already:,} of them already there" if already else ""))
    if there and not report.exit_code:
        click.echo(next_step(f"nbrucio add NOTEBOOK {target.dataset or there[0].did}"))
