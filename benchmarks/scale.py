"""Large datasets: plan, lock and status of N files on a sandbox of its own, as ratios to curl on the same server.

    python -m benchmarks.scale 1000 10000

seeds each size by Rucio's REST interface (about 10,000 files a minute) and prints a line each: wall time, the ratio to
the bare streams that curl reads in the same run, and the peak memory of the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nbrucio.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import add_dataset

_BATCH = 500
_REPLICAS_BATCH = 1_000


class Measured(NamedTuple):
    """One process: its wall time and peak memory."""

    wall_s: float
    peak_mb: float


#: Runs the command line and tells its peak. What wait4 tells begins with the memory of this process before exec.
_TELLING = """
import atexit, sys
status = lambda: sys.stderr.write(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
atexit.register(status)
from nbrucio_cli import main
main()
"""


def measure(command: Sequence[str], env: dict[str, str]) -> Measured:
    """Run ``command`` to its end; its exit code is not looked at, since a plan of data without bytes may say so."""
    began = time.perf_counter()
    done = subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    wall_s = time.perf_counter() - began
    last = done.stderr.split()[-1:] or ["0"]
    return Measured(wall_s, int(last[0]) / 1e3 if last[0].isdecimal() else 0.0)


def seed(sandbox: Sandbox, count: int) -> list[Did]:
    """A closed dataset ``sandbox:scale.<count>`` whose files are replicas without bytes at one RSE."""
    dids = [Did("sandbox", f"scale.{count}/{number:07}.root") for number in range(count)]
    with sandbox.admin() as client:
        for start in range(0, count, _BATCH):
            facts = {"scope": "sandbox", "bytes": 1_000_000, "adler32": "0a0b0c0d"}
            batch = [{**facts, "name": did.name} for did in dids[start : start + _BATCH]]
            client.add_replicas("SANDBOX_POSIX", batch)
        add_dataset(client, "sandbox", f"scale.{count}", dids, closed=True)
    return dids


def curl(sandbox: Sandbox, dids: Sequence[Did], folder: Path) -> tuple[float, float]:
    """Wall seconds of the files stream, and of all replica streams in turn, as curl reads them."""
    with sandbox.client() as client:
        head = ["curl", "--silent", "--fail", "--header", f"X-Rucio-Auth-Token: {client.auth_token}"]
        host = client.host
    files = measure([*head, f"{host}/dids/sandbox/scale.{len(dids)}/files"], dict(os.environ))
    replicas_s = 0.0
    for start in range(0, len(dids), _REPLICAS_BATCH):
        body = folder / "replicas.json"
        rows = [{"scope": did.scope, "name": did.name} for did in dids[start : start + _REPLICAS_BATCH]]
        body.write_text(json.dumps({"dids": rows, "schemes": ["file"]}))
        stream = ["--header", "Content-Type: application/json", "--data", f"@{body}", f"{host}/replicas/list"]
        replicas_s += measure([*head, *stream], dict(os.environ)).wall_s
    return files.wall_s, replicas_s


def run(sandbox: Sandbox, count: int) -> None:
    """Measure one size and print it."""
    dids = seed(sandbox, count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        notebook = folder / "nb.ipynb"
        value = {"requirements": [{"did": f"sandbox:scale.{count}", "handle": "data"}]}
        notebook.write_text(
            json.dumps({"cells": [], "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5})
        )
        files_s, replicas_s = curl(sandbox, dids, folder)
        env = {**os.environ, **sandbox.env(), "NBRUCIO_STORE": str(folder / "store"), "NBRUCIO_RUNTIME_DIR": name}
        nbrucio = [sys.executable, "-c", _TELLING]
        plan = measure([*nbrucio, "plan", str(notebook)], env)
        lock = measure([*nbrucio, "lock", str(notebook)], env)
        status = measure([*nbrucio, "status", str(notebook)], env)
    bare_s = files_s + replicas_s
    print(f"{count:,} files; curl: files {files_s:.2f} s, replicas {replicas_s:.2f} s")
    for verb, one, against in (("plan", plan, bare_s), ("lock", lock, files_s), ("status", status, files_s)):
        ratio = one.wall_s / against
        print(f"  {verb:6} {one.wall_s:7.2f} s  {ratio:5.2f} of curl's streams  {one.peak_mb:5.0f} MB at most")


def main(sizes: Sequence[int]) -> None:
    """Measure each size on one sandbox."""
    with tempfile.TemporaryDirectory() as name:
        sandbox = Sandbox(Path(name) / "sandbox")
        sandbox.start()
        try:
            for count in sizes:
                run(sandbox, count)
        finally:
            sandbox.stop()


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1_000, 10_000])
