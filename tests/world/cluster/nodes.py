"""Nodes of a cluster on this machine: each has its own network, host name, processes, store and home.

A node is a set of Linux namespaces, so it needs root. Its processes do not see the client's store, and end together
when the node is killed. They reach Rucio and the storage at the addresses of this machine through a relay.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from nbrucio.sandbox import Sandbox
from tests.runners.conftest import BIN, Shell

_NEWNET = 0x40000000
_INIT = 'hostname "$0" && ip link set lo up && mount -t tmpfs -o size=100m "$0" "$1" && echo && exec sleep infinity'


@dataclass(frozen=True)
class Node:
    """``folder`` has its store and home; nobody else sees what is in ``hidden``, this machine's store."""

    name: str
    address: str
    folder: Path
    pid: int
    relays: list[Relay]
    started: list[subprocess.Popen[str]] = field(repr=False)
    env: dict[str, str] = field(repr=False)

    def start(self, *words: object, **env: str) -> subprocess.Popen[str]:
        """Start a program on the node."""
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(
                ["nsenter", "--all", "--target", str(self.pid), f"--wd={self.folder}", "--", *map(str, words)],
                env=self.env | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.started.append(process)
        return process

    def run(self, *words: object) -> None:
        """Run a program on the node, which succeeds."""
        assert self.start(*words).wait(60) == 0, (self.folder / "log").read_text()

    def worker(
        self, scheduler: Path, *words: object, python: Path = BIN / "python", **env: str
    ) -> subprocess.Popen[str]:
        """Start a worker of Dask; it ends with the node, or with the scheduler."""
        command = [python, "-m", "distributed.cli.dask_worker", "--scheduler-file", scheduler, "--name", self.name]
        command += ["--host", self.address, "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]
        return self.start(*command, "--local-directory", self.folder / "scratch", *words, **env)

    def kill(self) -> None:
        """End all its processes at once by SIGKILL, as when its power fails."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill it, and wait for its programs."""
        self.kill()
        for process in self.started:
            process.wait(20)


class Relay:
    """Forwards connections from a node to a port of this machine; ``hold`` stops what the server sends."""

    def __init__(self, pid: int, port: int) -> None:
        self.held = threading.Event()
        self._flows = threading.Event()
        self._flows.set()
        self._left: int | None = None
        self._port = port
        self._listener = _listening_in(pid, port)
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, after_bytes: int) -> None:
        """Stop after so many more bytes, and set ``held`` then."""
        self._left = after_bytes
        self._flows.clear()

    def release(self) -> None:
        """Forward everything again."""
        self._left = None
        self._flows.set()

    def close(self) -> None:
        """Accept no more connections."""
        self.release()
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inner, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=(inner,), daemon=True).start()

    def _forward(self, inner: socket.socket) -> None:
        with inner, suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as outer:
            while True:
                for side in select.select([inner, outer], [], [])[0]:
                    data = side.recv(16_384)
                    if not data:
                        return
                    if side is outer:
                        self._pass(len(data))
                    (outer if side is inner else inner).sendall(data)

    def _pass(self, size: int) -> None:
        if self._left is None:
            return
        self._left -= size
        if self._left < 0:
            self.held.set()
            self._flows.wait()


def _listening_in(pid: int, port: int) -> socket.socket:
    """A socket that listens on the loopback of another network. Only the thread that makes it is there."""
    found: list[socket.socket] = []

    def enter() -> None:
        with Path(f"/proc/{pid}/ns/net").open() as network:
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.setns(network.fileno(), _NEWNET) == 0, os.strerror(ctypes.get_errno())
            found.append(socket.create_server(("127.0.0.1", port)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return found[0]


@contextmanager
def nodes(shell: Shell, sandbox: Sandbox, names: Sequence[str]) -> Iterator[tuple[str, list[Node]]]:
    """Provide this machine's address in a network with nodes of these names, and the nodes."""
    made = secrets.token_hex(3)
    bridge, network = f"nb{made}", f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
    status = sandbox.status()
    ports = [urlsplit(url or "").port or 0 for url in (status.server_url, status.storage_url)]
    shell.store.mkdir(exist_ok=True)
    with ExitStack() as stack:
        _ip("link", "add", bridge, "type", "bridge")
        stack.callback(_ip, "link", "del", bridge)
        _ip("addr", "add", f"{network}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        found = []
        for number, name in enumerate(names, 2):
            folder = shell.folder.parent / name
            (folder / "home").mkdir(parents=True)
            pid = _namespaces(stack, name, shell.store)
            address, outside = f"{network}.{number}", f"{bridge}n{number}"
            inside = f"{outside}i"
            _ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", str(pid))
            _ip("link", "set", outside, "master", bridge, "up")
            enter = ["nsenter", "--net", "--target", str(pid), "--"]
            _ip("addr", "add", f"{address}/24", "dev", inside, enter=enter)
            _ip("link", "set", inside, "up", enter=enter)
            relays = [Relay(pid, port) for port in ports]
            for relay in relays:
                stack.callback(relay.close)
            own = {"HOME": folder / "home", "NBRUCIO_STORE": folder / "store", "NBRUCIO_RUNTIME_DIR": folder / "run"}
            env = shell.env | {key: str(value) for key, value in own.items()}
            node = Node(name, address, folder, pid, relays, [], env)
            stack.callback(node.end)
            found.append(node)
        yield f"{network}.1", found


def _namespaces(stack: ExitStack, name: str, hidden: Path) -> int:
    """Make the namespaces of a node; return the process that holds them."""
    unshare = ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    holder = subprocess.Popen([*unshare, "sh", "-c", _INIT, name, str(hidden)], stdout=subprocess.PIPE)
    stack.callback(holder.wait, 20)
    stack.callback(holder.kill)
    assert holder.stdout is not None
    stack.callback(holder.stdout.close)
    assert holder.stdout.readline() == b"\n", "a node needs root, and a kernel that gives it namespaces"
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
    return int(children[0])


def _ip(*words: str, enter: Sequence[str] = ()) -> None:
    assert shutil.which("ip"), "install iproute2"
    subprocess.run([*enter, "ip", *words], check=True)
