"""Runs the sandbox's rules: Rucio's own daemons, one after another, with the endpoint of `nbrucio.sandbox.fts`.

The daemons run in a process of their own, because Rucio's settings are global. They skip the ten seconds that daemons
wait to find others' heartbeats, since there are no others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.disk.child import child_command
from nbrucio.errors import NbrucioError
from nbrucio.sandbox.fts import serving
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.rses import MOUNT, POSIX

if TYPE_CHECKING:
    from rucio.client import Client

_TIMEOUT_S = 300


def transfer(layout: SandboxLayout, client: Client, rounds: int) -> None:
    """Run judge-evaluator, submitter, poller and finisher once each, ``rounds`` times.

    Args:
        client: the administrator's client.

    Raises:
        NbrucioError: a daemon failed; the message has the end of its output.
    """
    with serving(layout.storage / "rses") as url:
        for rse in (POSIX.name, MOUNT.name):
            _set_attribute(client, rse, "fts", url)
        _connect(client, POSIX.name, MOUNT.name)
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("RUCIO_") and name != "PYTHONPATH"  # see `child_command`
        }
        environment |= {"RUCIO_HOME": str(layout.server), "RUCIO_CONFIG": str(layout.server / "etc" / "rucio.cfg")}
        done = subprocess.run(  # noqa: S603 (our own interpreter)
            [*child_command("nbrucio.sandbox.conveyor", os.environ), str(layout.root), str(rounds)],
            env=environment,
            cwd=layout.root,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        tail = "\n  ".join(done.stderr.splitlines()[-8:])
        raise NbrucioError(
            f"A Rucio daemon of the sandbox ended with exit code {done.returncode}.",
            hint=f"A reset creates the sandbox anew. The end of the daemon's output:\n  {tail}",
            next_command="nbrucio sandbox reset",
        )


def _set_attribute(client: Client, rse: str, key: str, value: str) -> None:
    from rucio.common.exception import RucioException

    with suppress(RucioException):  # not set yet
        client.delete_rse_attribute(rse, key)
    client.add_rse_attribute(rse, key, value)


def _connect(client: Client, one: str, other: str) -> None:
    for source, destination in ((one, other), (other, one)):
        if not client.get_distance(source, destination):
            client.add_distance(source, destination, {"distance": 1})


def main() -> None:
    """Main function of the daemons' process. Arguments: the sandbox's root, the number of rounds."""
    from nbrucio.sandbox.rucio_app import prepare

    root, rounds = Path(sys.argv[1]), int(sys.argv[2])
    os.chdir(root)
    prepare()
    from rucio.daemons.conveyor.finisher import finisher
    from rucio.daemons.conveyor.poller import poller
    from rucio.daemons.conveyor.submitter import submitter
    from rucio.daemons.judge.evaluator import re_evaluator

    for _ in range(rounds):
        re_evaluator(once=True)
        submitter(once=True, partition_wait_time=0, transfertools=["fts3"], group_bulk=100)
        poller(once=True, partition_wait_time=0, older_than=0, transfertool="fts3")
        finisher(once=True, partition_wait_time=0)
