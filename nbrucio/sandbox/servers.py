"""Start the sandbox's two servers and wait until they answer."""

from __future__ import annotations

import os
import random
import socket
import ssl
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from nbrucio.disk.child import child_command
from nbrucio.errors import NbrucioError
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.process import Process, spawn
from nbrucio.sandbox.rses import HTTPS
from nbrucio.sandbox.state import State

_BACKLOG = 128
_READY_TIMEOUT_S = 60.0
_TAIL_LINES = 40
#: Ports that no system gives to outgoing connections, which may hold a port when the sandbox wants it again.
_OWN_PORTS = range(20_000, 32_000)


def listen(preferred_port: int) -> socket.socket:
    """Return a listening socket on loopback, at ``preferred_port`` if that is free and not 0, else at any free one."""
    preferred = (preferred_port,) if preferred_port else ()
    for port in (*preferred, *random.sample(_OWN_PORTS, 20), 0):
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
            server.listen(_BACKLOG)
        except OSError:
            server.close()
            if port == 0:
                raise
        else:
            return server
    raise AssertionError("unreachable: port 0 returns or raises")


def launch(layout: SandboxLayout, state: State, server: socket.socket, storage: socket.socket, *, tied: bool) -> State:
    """Start both processes and save them at once, so that any process can stop them.

    The servers inherit listening sockets, so that no other process can take their ports in between.

    Args:
        tied: whether they end with this process, even when it is killed.
    """
    parent = [str(os.getpid())] if tied else []
    environment = {name: value for name, value in os.environ.items() if not _misleads(name)}
    environment["RUCIO_HOME"] = str(layout.server)
    environment["RUCIO_CONFIG"] = str(layout.server / "etc" / "rucio.cfg")
    for kind, log, listener in (
        ("rucio", layout.server_log, server),
        ("storage", layout.storage_error_log, storage),
    ):
        program = child_command("nbrucio.sandbox.serve", os.environ)
        command = [*program, kind, str(layout.root), str(listener.fileno()), *parent]
        process = spawn(command, environment, log, listener.fileno())
        state = replace(state, server=process) if kind == "rucio" else replace(state, storage=process)
        state.save(layout.state)
    return state


def wait_until_ready(layout: SandboxLayout, state: State) -> None:
    """Return when both servers answer.

    Raises:
        NbrucioError: one ended or did not answer; the hint contains the end of its log.
    """
    assert state.server is not None
    assert state.storage is not None
    tls = ssl.create_default_context(cafile=str(layout.ca))
    rucio = HTTPConnection("127.0.0.1", state.server_port, timeout=_READY_TIMEOUT_S)
    storage = HTTPSConnection("127.0.0.1", state.storage_port, timeout=_READY_TIMEOUT_S, context=tls)
    _ask(storage, HTTPS.prefix, "The storage", state.storage, layout.storage_error_log)
    _ask(rucio, "/ping", "The Rucio server", state.server, layout.server_log)


def _ask(connection: HTTPConnection, path: str, who: str, process: Process, log: Path) -> None:
    # One request suffices: it waits in the socket's queue until the server accepts it, and fails when the server ends.
    with closing(connection):
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            how = "did not answer" if process.alive() else "ended while it started"
            raise _failed(who, how, log) from error
    if status != 200:
        raise _failed(who, f"answered with status {status}", log)


def _failed(who: str, how: str, log: Path) -> NbrucioError:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    tail = "".join(f"\n  {line}" for line in lines[-_TAIL_LINES:])
    return NbrucioError(
        f"{who} of the sandbox {how}.",
        subject=str(log),
        hint=f"A reset creates the sandbox anew. The end of {log}:{tail or ' (empty)'}",
        next_command="nbrucio sandbox reset",
    )


def _misleads(name: str) -> bool:
    return name.startswith(("RUCIO_", "GUNICORN_")) or name in {
        "LISTEN_PID",
        "LISTEN_FDS",
        "PYTHONPATH",  # see `child_command`
        "X509_USER_PROXY",
    }
