"""``nbrucio run``: sync a notebook, then execute it."""

from __future__ import annotations

import re
from pathlib import Path

import click

from nbrucio_cli.common import (
    cli_command,
    instance_option,
    json_option,
    load_config,
    print_json,
    tell_errors,
    variant_option,
)
from nbrucio_cli.missing_notebook import GivenPath, notebook_argument


@click.command("run")
@notebook_argument
@click.argument("output", required=False, type=GivenPath("output"))
@click.option(
    "--parameter",
    "-p",
    "parameters",
    multiple=True,
    nargs=2,
    metavar="NAME VALUE",
    help="A parameter of the notebook, as for papermill; repeatable.",
)
@click.option("--kernel", "-k", metavar="NAME", help="The kernel to use, if not the notebook's own.")
@instance_option
@variant_option
@click.option("--offline", is_flag=True, help="Use only cached and mounted files, without a network.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors only.")
@json_option
@cli_command
def command(
    notebook: Path,
    output: Path | None,
    parameters: tuple[tuple[str, str], ...],
    kernel: str | None,
    variant: str | None,
    offline: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Sync NOTEBOOK, then execute it with papermill into OUTPUT (default NOTEBOOK.out.ipynb).

    If data is missing, no cell runs. If a cell fails, the exit code is 1 and OUTPUT has the traceback.
    """
    from nbrucio.pipeline.options import Options
    from nbrucio.pipeline.run import sync
    from nbrucio.runners.execute import execute, typed
    from nbrucio.runners.prepare import private_runtime
    from nbrucio_cli.progress import reporting
    from nbrucio_cli.tables import summary

    for name, path in (("NOTEBOOK", notebook), ("OUTPUT", output)):
        _check_local(name, path)
    values, loud = typed(parameters), not (quiet or as_json)
    with private_runtime() as runtime:
        with reporting(quiet=not loud, events=False) as reporter:
            options = Options(offline=offline, variant=variant, parameters=values, runtime=runtime)
            report = sync([notebook], load_config(), options=options, reporter=reporter)
        if report.exit_code:
            if as_json:
                print_json({**report.as_json(), "output": None})
            tell_errors(report.errors())
            return report.exit_code
        if loud:
            click.echo(summary(report), err=True)
        target = output or notebook.with_suffix(".out.ipynb")
        execute(notebook, target, values, report.notebooks[0], kernel=kernel, progress=loud)
    if as_json:
        print_json({**report.as_json(), "output": str(target)})
    elif not quiet:
        click.echo(f"Executed: {target}")
    return 0


def _check_local(name: str, path: Path | None) -> None:
    # A path has one slash where its URL had two.
    url = re.match(r"([A-Za-z][A-Za-z0-9+.-]+:/)(.*)", str(path))
    if url:
        from nbrucio.errors import UsageError

        raise UsageError(
            f"{name} must be a local file, and {url[1]}/{url[2]} is a URL.",
            subject=str(path),
            hint="papermill reads and writes URLs: papermill --engine nbrucio NOTEBOOK OUTPUT.",
        )
