"""Rucio as it is on a bad day: a proxy in front of the sandbox that takes its time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nbrucio.sandbox import Sandbox

_BLOCK_BYTES = 65536


@contextmanager
def slow_rucio(sandbox: Sandbox, folder: Path, delay_s: float) -> Iterator[Path]:
    """A configuration for nbrucio in ``folder`` whose every new connection to Rucio is served after ``delay_s``."""
    url = sandbox.status().server_url
    assert url is not None
    target = int(url.rpartition(":")[2])
    listener = socket.create_server(("127.0.0.1", 0))
    closing = threading.Event()
    thread = threading.Thread(target=_accept, args=(listener, target, delay_s, closing), daemon=True)
    thread.start()
    text = Path(sandbox.env()["NBRUCIO_CONFIG"]).read_text()
    assert url in text
    config = folder / "slow.toml"
    config.write_text(text.replace(url, f"http://127.0.0.1:{listener.getsockname()[1]}"))
    try:
        yield config
    finally:
        closing.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _accept(listener: socket.socket, target: int, delay_s: float, closing: threading.Event) -> None:
    while not closing.is_set():
        with suppress(OSError):
            client = listener.accept()[0]
            threading.Thread(target=_serve, args=(client, target, delay_s, closing), daemon=True).start()


def _serve(client: socket.socket, target: int, delay_s: float, closing: threading.Event) -> None:
    with client, suppress(OSError):
        if closing.wait(delay_s):
            return
        with socket.create_connection(("127.0.0.1", target)) as server:
            back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            back.start()
            _pass_on(client, server)
            back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK_BYTES):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)
