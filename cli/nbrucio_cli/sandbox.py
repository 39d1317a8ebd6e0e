"""``nbrucio sandbox``: a real Rucio server with data on this machine."""

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
    "--root", type=click.Path(path_type=Path), help="The folder of the sandbox; each folder is a sandbox of its own."
)


@click.group("sandbox")
def command() -> None:
    """Run a real Rucio server with storage and data, to try nbrucio and for tests.

    It listens on loopback only and writes only to its folder.
    """


def _sandbox(root: Path | None) -> Sandbox:
    from nbrucio.sandbox import Sandbox

    return Sandbox(root)


def _at(root: Path | None) -> str:
    """Return the option for the sandbox's folder, for commands to copy."""
    return f" --root {shlex.quote(str(root))}" if root else ""


def _show(box: Sandbox, root: Path | None, *, as_json: bool) -> int:
    status = box.status()
    if as_json:
        facts = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(status).items()}
        print_json({"version": 1, **facts})
    elif status.running:
        click.echo(f"The sandbox is running in {status.root}")
        click.echo(f"  Rucio server  {status.server_url}")
        click.echo(f"  storage       {status.storage_url}")
        click.echo(f"next: eval \"$(nbrucio sandbox env{_at(root)})\"; nbrucio search 'sandbox:*'")
    else:
        click.echo(f"The sandbox in {status.root} is stopped.\nnext: nbrucio sandbox start{_at(root)}")
    return 0


@command.command("start")
@_root_option
@json_option
@cli_command
def start(root: Path | None, as_json: bool) -> int:
    """Start the sandbox. The first start adds data. A running sandbox keeps running."""
    box = _sandbox(root)
    box.start()
    return _show(box, root, as_json=as_json)


@command.command("stop")
@_root_option
@json_option
@cli_command
def stop(root: Path | None, as_json: bool) -> int:
    """Stop the sandbox. Its data stays for the next start."""
    box = _sandbox(root)
    box.stop()
    return _show(box, root, as_json=as_json)


@command.command("status")
@_root_option
@json_option
@cli_command
def status(root: Path | None, as_json: bool) -> int:
    """Show whether the sandbox is running, and its addresses."""
    return _show(_sandbox(root), root, as_json=as_json)


@command.command("reset")
@_root_option
@json_option
@cli_command
def reset(root: Path | None, as_json: bool) -> int:
    """Stop the sandbox and delete its folder, with all data and downloads."""
    box = _sandbox(root)
    box.reset()
    return _show(box, root, as_json=as_json)


@command.command("transfer")
@_root_option
@click.option(
    "--rounds", default=1, show_default=True, type=click.IntRange(1, 50), help="The number of times to run the daemons."
)
@json_option
@cli_command
def transfer(root: Path | None, rounds: int, as_json: bool) -> None:
    """Run the Rucio daemons that carry out replication rules, which on a production server run all the time.

    A stand-in for FTS3, part of the sandbox, copies the files from RSE to RSE.
    """
    _sandbox(root).transfer(rounds)
    if as_json:
        print_json({"version": 1, "rounds": rounds})
    else:
        click.echo("Ran the Rucio daemons.\nnext: nbrucio stage --list NOTEBOOK")


@command.command("env")
@_root_option
@json_option
@cli_command
def env(root: Path | None, as_json: bool) -> None:
    """Print shell commands that make nbrucio and the rucio client use the sandbox.

    \b
    eval "$(nbrucio sandbox env)"
    """
    variables = _sandbox(root).env()
    if as_json:
        print_json({"version": 1, "env": variables})
        return
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
