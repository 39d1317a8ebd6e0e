"""``nbrucio init``: create a notebook, or prepare an existing one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import cli_command, json_option, print_json, tell_warnings
from nbrucio_cli.error_text import next_step
from nbrucio_cli.missing_notebook import notebook_argument

if TYPE_CHECKING:
    from nbrucio.core.scope_rule import ScopeRule


@click.command("init")
@notebook_argument
@click.option("--from-code", is_flag=True, help="List the DIDs that its code names, with the commands to add them.")
@json_option
@cli_command
def command(notebook: Path, from_code: bool, as_json: bool) -> None:
    """Create NOTEBOOK, or prepare an existing one to declare data.

    In an existing notebook only the metadata of nbrucio changes. Data attached with rucio-jupyterlab becomes declared.
    """
    from nbrucio.notebook.declared import read_declared
    from nbrucio.notebook.ipynb import can_create, create_empty, save
    from nbrucio.notebook.schema_errors import declaration_warnings
    from nbrucio.notebook.validity import format_errors
    from nbrucio.operations.proposing import notes_on
    from nbrucio_cli.rows import quoted

    created = can_create(notebook)
    if created:
        from nbrucio.notebook.folders import check_findable

        check_findable(notebook)
        create_empty(notebook)
    declared = read_declared(notebook)
    value = declared.declaration.as_json()
    save(declared.notebook, value)
    notes = notes_on(declared, _rule()) if from_code else ()
    warnings = (*format_errors(declared.notebook), *declaration_warnings(value))
    handles = [requirement.handle for requirement in declared.declaration.requirements]
    if as_json:
        print_json(
            {
                "notebook": str(notebook),
                "created": created,
                "handles": handles,
                "notes": [n.as_json() for n in notes],
                "warnings": [warning.as_json() for warning in warnings],
            }
        )
        return
    tell_warnings(warnings)
    for note in notes:
        click.echo(f"{note.message}\n{next_step(note.next_command)}" if note.next_command else note.message)
    click.echo(f"Created {notebook}" if created else f"{notebook} is ready to declare data.")
    if handles:
        click.echo(f"It declares {', '.join(handles)}.\n{next_step(f'nbrucio sync {quoted(notebook)}')}")
    else:
        click.echo(next_step(f"nbrucio add {quoted(notebook)} SCOPE:NAME"))


def _rule() -> ScopeRule:
    """Return the rule for names without scope; that of rucio-clients where no instance is configured."""
    from nbrucio.config import load
    from nbrucio.core.scope_rule import ScopeRule
    from nbrucio.errors import NbrucioError

    try:
        default = load().default
    except NbrucioError:
        default = None
    return ScopeRule() if default is None else default.scope_rule
