"""``nbrucio demo``: declare, sync and run, with a sandbox."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json, tell_errors
from nbrucio_cli.missing_notebook import GivenPath


@click.command("demo")
@click.option(
    "--output",
    type=GivenPath("folder", file_okay=False),
    default=Path("nbrucio-demo"),
    show_default=True,
    help="The folder for the notebook, its executed copy and its plot.",
)
@click.option("--root", type=GivenPath("folder"), help="The sandbox's folder.")
@json_option
@cli_command
def command(output: Path, root: Path | None, as_json: bool) -> int:
    """Start a sandbox, sync a notebook with a dataset of it, and run the notebook, which makes a plot.

    Everything stays on this machine. The sandbox keeps running until `nbrucio sandbox stop`.
    """
    from nbrucio.pipeline.run import sync
    from nbrucio.runners.execute import execute
    from nbrucio.sandbox.examples import example
    from nbrucio_cli.progress import reporting
    from nbrucio_cli.sandbox import sandbox_in
    from nbrucio_cli.tables import print_report

    say = (lambda _: None) if as_json else click.echo
    say("1. Starting a Rucio server on this machine …")
    box = sandbox_in(root)
    box.start()
    say(f"   {box.status().server_url}, with data in {box.root}")
    output.mkdir(parents=True, exist_ok=True)
    notebook = output / "dimuon.ipynb"
    if not notebook.exists():
        shutil.copyfile(example("dimuon.ipynb"), notebook)
    say(f"2. Syncing {notebook}, which declares the dataset sandbox:dimuon …")
    os.environ.update(box.env())
    with reporting(quiet=as_json, events=False) as reporter:
        report = sync([notebook], load_config(), reporter=reporter)
    if report.exit_code:
        if as_json:
            print_json({**report.as_json(), "output": None})
        tell_errors(report.errors())
        return report.exit_code
    if not as_json:
        print_report(report, indent="   ")
    say("3. Running the notebook …")
    executed, plot = output / "dimuon.out.ipynb", output / "dimuon.png"
    execute(notebook, executed, {}, report.notebooks[0])
    if as_json:
        print_json({**report.as_json(), "output": str(executed), "plot": str(plot)})
    else:
        click.echo(_what_next(notebook, executed, plot, root))
    return 0


def _what_next(notebook: Path, executed: Path, plot: Path, root: Path | None) -> str:
    from nbrucio_cli.rows import quoted

    where = f" --root {quoted(root)}" if root else ""
    programs = Path(sys.executable).parent
    found = shutil.which("nbrucio")
    # `make demo` runs from a checkout, whose .venv is not on the PATH of the user's shell.
    path = "" if found and Path(found).parent == programs else f"\n  export PATH={shlex.quote(str(programs))}:$PATH"
    return f"""
Executed notebook: {executed.absolute()}
Plot:              {plot.absolute()}

Try next:{path}
  eval "$(nbrucio sandbox env{where})"          # nbrucio and rucio use the sandbox from here on
  nbrucio status {quoted(notebook)}
  nbrucio search 'sandbox:*'
  nbrucio add {quoted(notebook)} sandbox:growing --as growing
  nbrucio sandbox stop{where}"""
