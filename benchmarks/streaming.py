"""Count the bytes that reading a few branches of a NanoAOD-like file over https moves: ``make bench-streaming``.

The storage's own log has the requests and their bytes. The file has 200 branches of 200,000 random floats, which do not
compress, in 10 clusters; five branches are read.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import numpy as np
import uproot

from nbrucio.core.did import Did
from nbrucio.kernel.streaming import storage_options
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_files

_CLUSTERS = 10
_READ = tuple(f"b{number}" for number in range(0, 50, 10))
_BLOCK = 1 << 20


class Moved(NamedTuple):
    """The requests and the bytes of one way to read."""

    way: str
    requests: int
    size_bytes: int


def nano_file(path: Path, branches: int, events: int) -> Path:
    """Write a tree ``Events`` of random floats."""
    numbers = np.random.default_rng(1)
    with uproot.recreate(path) as file:
        file.mktree("Events", {f"b{number}": "float32" for number in range(branches)})
        for _ in range(_CLUSTERS):
            size = events // _CLUSTERS
            file["Events"].extend({f"b{n}": numbers.normal(size=size).astype("float32") for n in range(branches)})
    return path


def served(sandbox: Sandbox, path: Path) -> str:
    """Put the file at the sandbox's https storage, and return its URL."""
    did = Did("sandbox", path.name)
    with sandbox.admin() as client:
        add_files(client, [NewFile(did, path.read_bytes())], ["SANDBOX_HTTPS"])
        (replica,) = client.list_replicas([{"scope": did.scope, "name": did.name}], schemes=["https"])
    return str(next(iter(replica["pfns"])))


def read(url: object, options: Mapping[str, Any]) -> None:
    """Read five branches."""
    with uproot.open(url, **options) as file:
        for branch in _READ:
            file["Events"][branch].array(library="np")


def ways(sandbox: Sandbox, url: str, cache: Path) -> list[Moved]:
    """Read in each way, and return what it moved; the folder ``cache`` must be empty."""
    options = storage_options(str(sandbox.root / "storage/ca.pem"))
    blocks = {"https": {**options, "block_size": _BLOCK}, "blockcache": {"cache_storage": str(cache)}}
    https = fsspec.filesystem("https", **options)

    def bounded() -> None:
        size = {"block_size": _BLOCK, "cache_type": "blockcache", "cache_options": {"maxblocks": 16}}
        with https.open(url, **size) as file:
            read(file, {})

    calls: list[tuple[str, Callable[[], object]]] = [
        ("uproot with `storage_options`", lambda: read(url, options)),
        ("the same again", lambda: read(url, options)),
        ("`blockcache::`, blocks of 1 MiB on disk", lambda: read(f"blockcache::{url}", blocks)),
        ("the same again", lambda: read(f"blockcache::{url}", blocks)),
        ("a file with 16 blocks of 1 MiB in memory", bounded),
    ]
    return [_counted(sandbox.storage_log, way, call) for way, call in calls]


def _counted(log: Path, way: str, call: Callable[[], object]) -> Moved:
    before = _settled(log)
    call()
    _settled(log)
    sizes = list(map(int, re.findall(rb"HTTP/1\.\d \d+ (\d+) ", log.read_bytes()[before:])))
    return Moved(way, len(sizes), sum(sizes))


def _settled(log: Path) -> int:
    """Wait until no line was written for a second, as a line follows the last byte of its answer; return the size."""
    size, since = log.stat().st_size, time.monotonic()
    while time.monotonic() - since < 1.0:
        time.sleep(0.05)
        if log.stat().st_size != size:
            size, since = log.stat().st_size, time.monotonic()
    return size


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--branches", type=int, default=200)
    parser.add_argument("--events", type=int, default=200_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(Path(folder) / "sandbox", tied=True)
        sandbox.start()
        try:
            path = nano_file(Path(folder) / "nano.root", given.branches, given.events)
            total = path.stat().st_size
            rows = [("the whole file", 1, total), *ways(sandbox, served(sandbox, path), Path(folder) / "cache")]
            print(f"| 5 of {given.branches} branches | requests | MB | of the file |\n|---|---|---|---|")
            for way, count, size in rows:
                print(f"| {way} | {count} | {size / 1e6:.1f} | {size / total:.0%} |")
        finally:
            sandbox.stop()


if __name__ == "__main__":
    main()
