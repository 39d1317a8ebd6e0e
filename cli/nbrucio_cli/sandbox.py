"""``nbrucio sandbox``: a real Rucio server with data, on this machine."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import cli_command, json_option, print_json

if TYPE_CHECKING:
    from nbrucio.sandbox import Sandbox

_root_option = click.option(
    "--root", type=click.Path(path_type=Path), help="Its folder; another folder is another sandbox."
)


@click.group("sandbox")
def command() -> None:
    """A real Rucio server with storage and data, for trying things and for tests.

    It listens on loopback only and keeps everything in one folder.
    """


def _sandbox(root: Path | None) -> Sandbox:
    from nbrucio.sandbox import Sandbox

    return Sandbox(root)


def _tell(box: Sandbox, *, as_json: bool) -> int:
    status = box.status()
    if as_json:
        facts = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(status).items()}
        print_json({"version": 1, **facts})
    elif status.running:
        click.echo(f"The sandbox is running in {status.root}")
        click.echo(f"  Rucio server  {status.server_url}")
        click.echo(f"  storage       {status.storage_url}")
        click.echo("next: eval \"$(nbrucio sandbox env)\"; nbrucio search 'sandbox:*'")
    else:
        click.echo(f"The sandbox in {status.root} is stopped.\nnext: nbrucio sandbox start")
    return 0


@command.command("start")
@_root_option
@json_option
@cli_command
def start(root: Path | None, as_json: bool) -> int:
    """Start it; the first start fills it with data. Does nothing when it runs."""
    box = _sandbox(root)
    box.start()
    return _tell(box, as_json=as_json)


@command.command("stop")
@_root_option
@json_option
@cli_command
def stop(root: Path | None, as_json: bool) -> int:
    """Stop it; its data stays for the next start."""
    box = _sandbox(root)
    box.stop()
    return _tell(box, as_json=as_json)


@command.command("status")
@_root_option
@json_option
@cli_command
def status(root: Path | None, as_json: bool) -> int:
    """Say whether it runs, and where."""
    return _tell(_sandbox(root), as_json=as_json)


@command.command("reset")
@_root_option
@json_option
@cli_command
def reset(root: Path | None, as_json: bool) -> int:
    """Stop it and delete everything in it, downloads included."""
    box = _sandbox(root)
    box.reset()
    return _tell(box, as_json=as_json)


@command.command("transfer")
@_root_option
@click.option("--rounds", default=1, show_default=True, type=click.IntRange(1, 50), help="How often, in turn.")
@json_option
@cli_command
def transfer(root: Path | None, rounds: int, as_json: bool) -> None:
    """Let Rucio's own daemons carry out its rules, as they do all the time elsewhere.

    The bytes are copied between the file storages by a stand-in for FTS3 that belongs to the sandbox.
    """
    _sandbox(root).transfer(rounds)
    if as_json:
        print_json({"version": 1, "rounds": rounds})
    else:
        click.echo("The daemons had their turn.\nnext: nbrucio stage --list NOTEBOOK")


@command.command("env")
@_root_option
@json_option
@cli_command
def env(root: Path | None, as_json: bool) -> None:
    """Print shell lines that point nbrucio and the rucio client to it.

    \b
    eval "$(nbrucio sandbox env)"
    """
    variables = _sandbox(root).env()
    if as_json:
        print_json({"version": 1, "env": variables})
        return
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
