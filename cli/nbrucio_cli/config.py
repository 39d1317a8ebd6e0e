"""``nbrucio config``: show, check and write the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import cli_command, json_option, print_json, tell_errors
from nbrucio_cli.config_setup import import_, init
from nbrucio_cli.missing_notebook import GivenPath

if TYPE_CHECKING:
    from nbrucio.config.effective import Effective, Setting

#: Settings whose value in force is a number of bytes.
_SIZES = ("max_download", "max_store", "keep_free")


@click.group("config")
def command() -> None:
    """Show, check and write the configuration."""


command.add_command(init)
command.add_command(import_)


@command.command("show")
@click.option("--origin", is_flag=True, help="Also show the file and line, or the variable, of each value.")
@json_option
@cli_command
def show(origin: bool, as_json: bool) -> int:
    """Show the configuration in force, as TOML.

    It combines the administrator's file, the Jupyter session, your config.toml, your rucio.cfg and the environment.
    Passwords are not shown.
    """
    from nbrucio.config.effective import effective

    found = effective()
    if as_json:
        print_json(found.as_json())
        return 0
    click.echo("\n".join(_lines(found, origin=origin)))
    for warning in found.config.warnings:
        click.echo(f"warning: {warning}", err=True)
    tell_errors(fault.error for fault in found.config.faults)
    return 0


def _lines(found: Effective, *, origin: bool) -> Iterator[str]:
    """Yield the settings as a TOML document; each origin is a comment."""
    for table, settings in groupby(found.settings, key=lambda setting: setting.table):
        if table:
            yield f"\n[{_header(table)}]"
        yield from _aligned([(_assignment(setting), _comment(setting)) for setting in settings], origin=origin)
    if not found.config.instances:
        places = ", ".join(map(str, found.config.places))
        yield f"\n# No Rucio instance is configured. Files searched: {places}."


def _header(table: str) -> str:
    from nbrucio.config.toml_text import toml_key

    first, dot, name = table.partition(".")
    return f"{first}{dot}{toml_key(name)}" if dot else first


def _assignment(setting: Setting) -> str:
    from nbrucio.config.effective import SECRET
    from nbrucio.config.toml_text import toml_key, toml_value

    name = toml_key(setting.name)
    if setting.name in SECRET:
        return f"# {name} is set, and not shown"
    if setting.value is None:
        return f"# {name}: {'no limit' if setting.name.startswith('max_') else 'not set'}"
    return f"{name} = {toml_value(_size(setting.value) if setting.name in _SIZES else setting.value)}"


def _size(size_bytes: object) -> object:
    """Return a number of bytes in the largest unit that gives it exactly."""
    assert isinstance(size_bytes, int)
    units = ((10 ** (3 * power), unit) for power, unit in ((5, "PB"), (4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")))
    exact = (f"{size_bytes // factor} {unit}" for factor, unit in units if size_bytes and size_bytes % factor == 0)
    return next(exact, size_bytes)


def _comment(setting: Setting) -> str:
    return f"{setting.origin}, the administrator's limit" if setting.bound else setting.origin


def _aligned(rows: Sequence[tuple[str, str]], *, origin: bool) -> Iterator[str]:
    width = min(60, max((len(left) for left, _ in rows), default=0))
    for left, right in rows:
        yield f"{left:<{width}}  # {right}" if origin else left


@command.command("check")
@click.argument("file", required=False, type=GivenPath("file"))
@json_option
@cli_command
def check(file: Path | None, as_json: bool) -> int:
    """Check the configuration, or FILE: a config.toml or a rucio.cfg. Asks no server.

    Exit code 2: a setting is unknown or wrong, a variable in a path is not set, or a certificate cannot be read.
    """
    from nbrucio.config.check import check as check_configuration
    from nbrucio.core.text import plural
    from nbrucio.errors import exit_code_for

    found = check_configuration(file)
    code = exit_code_for(found.errors)
    if as_json:
        files = [str(each) for each in found.files]
        print_json({"files": files, "warnings": list(found.warnings)}, found.errors)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    tell_errors(found.errors, limit=20)
    if not as_json and not found.errors:
        files_read = ", ".join(map(str, found.files))
        click.echo(f"{plural(len(found.files), 'file')} checked, no errors: {files_read}" if files_read else _NOTHING)
    return code


_NOTHING = "There is no configuration file to check."
