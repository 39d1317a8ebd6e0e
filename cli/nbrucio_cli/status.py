"""``nbrucio status``: what is here and what is not."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import expand, json_option, load_config, notebooks_argument, print_json, tell_errors, verb


@click.command("status")
@notebooks_argument
@json_option
@verb
def command(notebooks: tuple[Path, ...], as_json: bool) -> int:
    """Show what is here of what each NOTEBOOK declares. Asks no server and changes nothing.

    Ends with 0 also when data is missing; only a notebook that cannot be read is an error.
    """
    from nbrucio.errors import exit_code_for
    from nbrucio.sync import status
    from nbrucio_cli.tables import print_report, summary

    report = status(expand(notebooks), load_config())
    faults = [fault for notebook in report.notebooks for fault in notebook.faults]
    if as_json:
        print_json({**report.as_json(), "exit_code": exit_code_for(faults)})
    else:
        print_report(report)
        click.echo(summary(report))
        unready = [nb.path for nb in report.notebooks if any(r.state != "ready" for r in nb.requirements)]
        if unready:
            click.echo(f"next: nbrucio sync {' '.join(str(path) for path in unready[:3])}")
    tell_errors(faults)
    return exit_code_for(faults)
