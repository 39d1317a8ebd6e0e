"""``nbrucio init``: create a notebook, or prepare an existing one."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import cli_command, json_option, notebook_argument, print_json


@click.command("init")
@notebook_argument
@json_option
@cli_command
def command(notebook: Path, as_json: bool) -> None:
    """Create NOTEBOOK, or prepare an existing one to declare data.

    In an existing notebook only the metadata of nbrucio changes. Data attached with rucio-jupyterlab becomes declared.
    """
    from nbrucio.notebook.declared import read_declared
    from nbrucio.notebook.ipynb import create_empty, save
    from nbrucio_cli.rows import quoted

    created = not notebook.exists()
    if created:
        from nbrucio_cli.folders import check_findable

        check_findable(notebook)
    if created:
        create_empty(notebook)
    declared = read_declared(notebook)
    save(declared.notebook, declared.declaration.as_json())
    handles = [requirement.handle for requirement in declared.declaration.requirements]
    if as_json:
        print_json({"version": 1, "notebook": str(notebook), "created": created, "handles": handles})
        return
    click.echo(f"Created {notebook}" if created else f"{notebook} is ready to declare data.")
    if handles:
        click.echo(f"It declares {', '.join(handles)}.\nnext: nbrucio sync {quoted(notebook)}")
    else:
        click.echo(f"next: nbrucio add {quoted(notebook)} SCOPE:NAME")
