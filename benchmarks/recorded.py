"""``python -m benchmarks.recorded``: peak memory and CPU time of plans of a million files, by recorded answers.

A Rucio on SQLite takes minutes to list a million files, and its time is not what is measured here. The answers have the
form of those of a real server. Each plan is a process of its own: the first one, and one by a lock whose list is known.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

from benchmarks.scale import TELLING
from nbrucio.catalogue.parse import file_of
from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts
from nbrucio.core.lockentry import lock_entry, now
from nbrucio.core.packed_files import PackedFiles, packed

_SIZE = 1_000
_RSE = "RECORDED"
_DID = Did("recorded", "million")
_PROTOCOL = {"scheme": "https", "prefix": "/", "domains": {"wan": {"read": 1}, "lan": {"read": 1}}}


class _Answers(BaseHTTPRequestHandler):
    """Answers about one dataset of `files` files."""

    protocol_version = "HTTP/1.1"
    files = 0

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.send_response(200)
        if path.startswith("/auth/"):
            self.send_header("X-Rucio-Auth-Token", "recorded")
        self.send_header("Content-Type", "application/x-json-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in self._texts(path):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.write(b"0\r\n\r\n")

    def _texts(self, path: str) -> Iterator[bytes]:
        count, size_bytes = self.files, self.files * _SIZE
        totals = {"scope": _DID.scope, "name": _DID.name, "length": count, "bytes": size_bytes}
        if path.endswith("/files"):
            rows = (_file_row(number) for number in range(count))
            while part := b"".join(islice(rows, 100)):
                yield part
        elif path.endswith("/datasets"):
            yield _line({**totals, "rse": _RSE, "available_length": count, "available_bytes": size_bytes})
        elif path.startswith("/rses/"):
            yield _line({"rse": _RSE, "rse_type": "DISK", "availability_read": True, "protocols": [_PROTOCOL]})
        elif path.startswith("/dids/"):
            yield _line({**totals, "type": "DATASET", "open": False})

    def log_message(self, *_: object) -> None:
        """Write no log."""


def _file_row(number: int) -> bytes:
    name = f"run_{number // 1000:04}/events_{number:09}.root"
    sums = {"bytes": _SIZE, "adler32": f"{number:08x}", "guid": None, "events": None}
    return _line({"scope": "recorded", "name": name, **sums})


def _line(row: dict[str, object]) -> bytes:
    return json.dumps(row).encode() + b"\n"


@contextmanager
def recorded(files: int) -> Iterator[str]:
    """Serve the answers during the block; give the URL."""
    _Answers.files = files
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _measured(what: str, folder: Path, *words: str) -> str:
    environment = {
        "HOME": str(folder),
        "NBRUCIO_CONFIG": str(folder / "nbrucio.toml"),
        "NBRUCIO_STORE": str(folder / "store"),
        "NBRUCIO_RUNTIME_DIR": str(folder / "runtime"),
        "PATH": "/usr/bin:/bin",
    }
    began, used_s = time.perf_counter(), _used_s()
    command = [sys.executable, "-c", TELLING, *words, str(folder / "nb.ipynb")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wall_s = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}")
    peak_mb = int(done.stderr.split()[-1]) / 1e3
    return f"| {what} | {wall_s:.1f} | {_used_s() - used_s:.2f} | {peak_mb:.0f} |"


def _used_s() -> float:
    """Return the CPU seconds of all processes that were measured."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _locked(store: Path, count: int) -> dict[str, object]:
    """Save the list of files in the store, as `nbrucio lock` does; return its lock entry."""
    files = packed(file_of(json.loads(_file_row(number))) for number in range(count))
    assert isinstance(files, PackedFiles)
    digits = files.digest.removeprefix("sha256:")
    path = store / "lists" / digits[:2] / digits
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(files.text)
    return lock_entry(DidFacts(_DID, DidType.DATASET, False), None, files, now()).as_json()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorded", description=__doc__)
    parser.add_argument("files", nargs="?", type=int, default=1_000_000)
    count = parser.parse_args().files
    with tempfile.TemporaryDirectory(prefix="nbrucio-bench-") as name, recorded(count) as url:
        folder = Path(name)
        instance = f'[instances.recorded]\nhost = "{url}"\nauth_type = "userpass"\nusername = "u"\npassword = "p"\n'
        (folder / "nbrucio.toml").write_text(f'{instance}account = "u"\n')
        (folder / "nbrucio.toml").chmod(0o600)
        declared: dict[str, object] = {"version": 1, "requirements": [{"did": str(_DID), "handle": "data"}]}
        notebook = {"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5}
        (folder / "nb.ipynb").write_text(json.dumps(notebook))
        sys.stdout.write(f"| {count:,} files | seconds | CPU seconds | peak MB |\n|---|---|---|---|\n")
        sys.stdout.write(_measured("first plan", folder, "plan") + "\n")
        declared["lock"] = {"data": _locked(folder / "store", count)}
        (folder / "nb.ipynb").write_text(json.dumps(notebook))
        sys.stdout.write(_measured("plan by the lock", folder, "plan") + "\n")


if __name__ == "__main__":
    main()
