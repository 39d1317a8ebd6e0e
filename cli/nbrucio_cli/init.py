"""``nbrucio init``: a notebook that is ready to declare data."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import cli_command, json_option, notebook_argument, print_json


@click.command("init")
@notebook_argument
@json_option
@cli_command
def command(notebook: Path, as_json: bool) -> None:
    """Create NOTEBOOK, or make an existing one ready to declare data.

    An existing notebook keeps every byte outside nbrucio's key. Data that rucio-jupyterlab attached to it is taken
    over.
    """
    from nbrucio.notebook.declared import read_declared
    from nbrucio.notebook.ipynb import create_empty, save

    created = not notebook.exists()
    if created:
        create_empty(notebook)
    declared = read_declared(notebook)
    save(declared.notebook, declared.declaration.as_json())
    handles = [requirement.handle for requirement in declared.declaration.requirements]
    if as_json:
        print_json({"version": 1, "notebook": str(notebook), "created": created, "handles": handles})
        return
    click.echo(f"{'Created' if created else 'Ready:'} {notebook}")
    if handles:
        click.echo(f"It declares {', '.join(handles)}.\nnext: nbrucio sync {notebook}")
    else:
        click.echo(f"next: nbrucio add {notebook} SCOPE:NAME")
