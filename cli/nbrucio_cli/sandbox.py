"""``nbrucio sandbox``: a real Rucio server with data on this machine."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio.errors import runnable_command
from nbrucio.kernel.quoting import quoted_path
from nbrucio_cli.common import cli_command, json_option, print_json
from nbrucio_cli.error_text import next_step
from nbrucio_cli.missing_notebook import GivenPath

if TYPE_CHECKING:
    from nbrucio.sandbox import Sandbox

_FAULTS = ("corrupt", "truncate", "slow", "drop", "busy", "expire", "off")
_root_option = click.option(
    "--root", type=GivenPath("folder"), help="The folder of the sandbox; each folder is a sandbox of its own."
)


@click.group("sandbox")
def command() -> None:
    """Run a real Rucio server with storage and data, to try nbrucio and for tests.

    It listens on loopback only and writes only to its folder.
    """


def sandbox_in(root: Path | None) -> Sandbox:
    """Return the sandbox in ``root``; for None the user's own, which a home on EOS has on the session's local disk."""
    from nbrucio.config.folders import session_folder
    from nbrucio.sandbox import Sandbox

    local = session_folder("XDG_DATA_HOME", os.environ) if root is None else None
    return Sandbox(local / "sandbox" if local else root)


def _at(root: Path | None) -> str:
    """Return the option for the sandbox's folder, for commands to copy."""
    return f" --root {quoted_path(root)}" if root else ""


def _show(box: Sandbox, root: Path | None, *, as_json: bool) -> int:
    status = box.status()
    if as_json:
        facts = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(status).items()}
        print_json({**facts})
    elif status.running:
        click.echo(f"The sandbox is running in {status.root}")
        click.echo(f"  Rucio server  {status.server_url}")
        click.echo(f"  storage       {status.storage_url}")
        search = runnable_command("nbrucio search 'sandbox:*'")
        click.echo(f'next: eval "$({runnable_command("nbrucio sandbox env")}{_at(root)})"; {search}')
    else:
        click.echo(f"The sandbox in {status.root} is stopped.\n{next_step(f'nbrucio sandbox start{_at(root)}')}")
    return 0


@command.command("start")
@_root_option
@json_option
@cli_command
def start(root: Path | None, as_json: bool) -> int:
    """Start the sandbox. The first start adds data. A running sandbox keeps running."""
    box = sandbox_in(root)
    box.start()
    return _show(box, root, as_json=as_json)


@command.command("stop")
@_root_option
@json_option
@cli_command
def stop(root: Path | None, as_json: bool) -> int:
    """Stop the sandbox. Its data stays for the next start."""
    box = sandbox_in(root)
    box.stop()
    return _show(box, root, as_json=as_json)


@command.command("status")
@_root_option
@json_option
@cli_command
def status(root: Path | None, as_json: bool) -> int:
    """Show whether the sandbox is running, and its addresses."""
    return _show(sandbox_in(root), root, as_json=as_json)


@command.command("reset")
@_root_option
@json_option
@cli_command
def reset(root: Path | None, as_json: bool) -> int:
    """Stop the sandbox and delete its folder, with all data and downloads."""
    box = sandbox_in(root)
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
    sandbox_in(root).transfer(rounds)
    if as_json:
        print_json({"rounds": rounds})
    else:
        click.echo(f"Ran the Rucio daemons.\n{next_step('nbrucio stage --list NOTEBOOK')}")


@command.command("chaos")
@click.argument("fault", required=False, type=click.Choice(_FAULTS))
@click.option(
    "--share", default=0.3, show_default=True, type=click.FloatRange(0, 1, min_open=True), help="The share of answers."
)
@click.option("--seed", default=0, show_default=True, type=int, help="Another seed makes other answers faulty.")
@_root_option
@json_option
@cli_command
def chaos(fault: str | None, share: float, seed: int, root: Path | None, as_json: bool) -> None:
    """Make the sandbox's servers faulty, to try a notebook or another program against it; several faults add up.

    \b
    corrupt   storage sends wrong bytes
    truncate  storage closes the connection in the middle of a file
    slow      storage sends 256 kB/s
    drop      storage and Rucio close the connection without an answer
    busy      storage and Rucio answer 503 with Retry-After: 1
    expire    Rucio refuses tokens after their first use, as if they had ended
    off       no faults any more

    Without FAULT it shows the faults in force. Replicas at SANDBOX_POSIX are files, and have no faults.
    """
    from nbrucio.sandbox.chaos import KINDS, Chaos

    box = sandbox_in(root)
    now = box.chaos()
    if fault is not None:
        now = Chaos() if fault == "off" else now.with_fault(fault, share, seed)
        box.cause(now)
    if as_json:
        print_json({"shares": dict(now.shares), "seed": now.seed})
        return
    for kind, part in now.shares.items():
        click.echo(f"{kind:8}  {part:.0%} of answers: {KINDS[kind]}")
    if not now.shares:
        click.echo("No faults.")


@command.command("env")
@_root_option
@json_option
@cli_command
def env(root: Path | None, as_json: bool) -> None:
    """Print shell commands that make nbrucio and the rucio client use the sandbox.

    \b
    eval "$(nbrucio sandbox env)"
    """
    variables = sandbox_in(root).env()
    if as_json:
        print_json({"env": variables})
        return
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
