"""The commands that are compared. Each downloads one dataset into an empty folder, as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.ground import Ground, Shape

#: Size from which tools are also tried with several connections for a file.
LARGE_BYTES = 50_000_000
#: In a store, for the next run.
HOSTS = "hosts.json"
_BIN = Path(sys.executable).parent


class Streams(NamedTuple):
    """A setting of a peer: files at a time, and connections for each file."""

    files: int
    each: int = 1


#: For a peer that finds its setting by itself.
OWN = Streams(0)
_MANY = tuple(Streams(files) for files in (4, 8, 16, 50, 100))


def _several(shape: Shape) -> Sequence[Streams]:
    """Settings of a tool that reads each file over one connection."""
    return tuple(dict.fromkeys(Streams(min(one.files, shape.files)) for one in _MANY))


def _in_parts(shape: Shape) -> Sequence[Streams]:
    """Settings of a tool that also reads parts of a large file over several connections."""
    if shape.size_bytes < LARGE_BYTES:
        return _several(shape)
    return tuple(Streams(files, each) for files in {min(4, shape.files), min(20, shape.files)} for each in (1, 4, 16))


@dataclass(frozen=True)
class Peer:
    """One way to download a dataset.

    Attributes:
        name: its name in the table.
        kind: ``nbrucio``, ``rucio`` or ``raw``.
        protocols: for which protocols it is run.
        command: its command line, for an output folder that exists and is empty; may write helper files beside it.
        settings: which it is tried with, for a shape; the best one counts.
    """

    name: str
    kind: str
    protocols: tuple[str, ...]
    command: Callable[[Ground, Shape, str, Path, Streams], Sequence[str]]
    settings: Callable[[Shape], Sequence[Streams]] = lambda _: (OWN,)


@dataclass(frozen=True)
class PeerRun:
    """What one process cost."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def measure(command: Sequence[str], environment: dict[str, str], folder: Path) -> PeerRun:
    """Run a command to its end. CPU includes its children's; memory is its own.

    Raises:
        RuntimeError: it failed; the message holds the end of what it said.
    """
    with (folder.parent / "output.log").open("w+b") as log:
        options = {"env": environment, "cwd": folder, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        began = time.perf_counter()
        process = subprocess.Popen(command, **options)  # type: ignore[call-overload]
        watch = threading.Thread(target=_watch, args=(process.pid, peaks := [0]))
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.join()
        if process.returncode != 0:
            log.seek(0)
            raise RuntimeError(f"{command[0]} failed: {log.read()[-2000:].decode(errors='replace')}")
    return PeerRun(wall_s, usage.ru_utime + usage.ru_stime, max(peaks))


def _watch(pid: int, peaks: list[int]) -> None:
    """Note the high-water mark of a process until it ends. What wait4 tells includes this program's, from the fork."""
    while True:
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        mark = text.partition("VmHWM:")[2].split()
        if not mark:
            return
        peaks.append(int(mark[0]) * 1024)
        time.sleep(0.05)


def notebook(ground: Ground, shape: Shape, protocol: str) -> Path:
    """A notebook that declares the dataset."""
    path = ground.folder / f"{shape.name}.{protocol}.ipynb"
    requirement = {"did": str(ground.did(shape, protocol)), "handle": "data"}
    metadata = {"nbrucio": {"version": 1, "requirements": [requirement]}}
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


def arrived(folder: Path, shape: Shape) -> bool:
    """Whether a folder holds all files of a shape. This is checked after the clock stopped."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sizes.count(shape.size_bytes) == shape.files


def _nbrucio(ground: Ground, shape: Shape, protocol: str, folder: Path, _: Streams) -> Sequence[str]:
    return [
        *("env", f"NBRUCIO_STORE={folder}", str(_BIN / "nbrucio")),
        *("sync", "--quiet", str(notebook(ground, shape, protocol))),
    ]


def _nbrucio_again(ground: Ground, shape: Shape, protocol: str, folder: Path, streams: Streams) -> Sequence[str]:
    """A later run, which remembers the hosts of the one before."""
    if (known := ground.folder / HOSTS).exists():
        shutil.copy(known, folder / HOSTS)
    return _nbrucio(ground, shape, protocol, folder, streams)


def _rucio(ground: Ground, shape: Shape, protocol: str, folder: Path, streams: Streams) -> Sequence[str]:
    threads = ["--ndownloader", str(streams.files)] if streams.files else []
    return [str(_BIN / "rucio"), "download", "--dir", str(folder), *threads, str(ground.did(shape, protocol))]


def _copy(ground: Ground, shape: Shape, protocol: str, folder: Path, _: Streams) -> Sequence[str]:
    del protocol
    return ["cp", "-r", str(ground.files(shape)[0].parent), str(folder)]


def _curl(ground: Ground, shape: Shape, protocol: str, folder: Path, streams: Streams) -> Sequence[str]:
    lines = []
    for path in ground.files(shape):
        lines += [f'url = "{ground.url(path, protocol)}"', f'output = "{folder / path.name}"']
    configuration = folder.parent / "curl.cfg"
    configuration.write_text("\n".join(lines))
    options = ["--silent", "--fail", "--cacert", str(ground.ca), "--parallel", "--parallel-max", str(streams.files)]
    return ["curl", *options, "--config", str(configuration)]


def _aria2c(ground: Ground, shape: Shape, protocol: str, folder: Path, streams: Streams) -> Sequence[str]:
    each = str(streams.each)
    return [
        *(
            "aria2c",
            "--quiet",
            "--no-conf",
            "--header=Want-Digest:",
            "--file-allocation=none",
            f"--ca-certificate={ground.ca}",
        ),
        *(f"--dir={folder}", f"--max-concurrent-downloads={streams.files}", f"--split={each}"),
        *(f"--max-connection-per-server={each}", f"--input-file={_listing(ground, shape, protocol, folder)}"),
    ]


def _rclone(ground: Ground, shape: Shape, protocol: str, folder: Path, streams: Streams) -> Sequence[str]:
    source = ground.files(shape)[0].parent
    listing = folder.parent / "rclone.txt"
    listing.write_text("\n".join(path.name for path in ground.files(shape)))
    large = shape.size_bytes >= LARGE_BYTES
    return [
        *("rclone", "copy", "--quiet", "--config", "/dev/null", "--ca-cert", str(ground.ca), "--no-traverse"),
        *("--http-url", ground.url(source, protocol), "--files-from", str(listing), "--transfers", str(streams.files)),
        *("--checkers", str(max(8, streams.files)), "--multi-thread-streams", str(streams.each)),
        *([] if large else ["--http-no-head"]),  # a request for each file, which parts need for the size
        *(":http:", str(folder)),
    ]


def _xrdcp(ground: Ground, shape: Shape, protocol: str, folder: Path, streams: Streams) -> Sequence[str]:
    listing = _listing(ground, shape, protocol, folder)
    parallel = str(min(streams.files, 128))
    return ["xrdcp", "--nopbar", "--silent", "--parallel", parallel, "--infiles", str(listing), str(folder)]


_COPY_PROCESS = """
import sys
from XRootD.client import CopyProcess
process = CopyProcess()
process.parallel(int(sys.argv[1]))
for url in open(sys.argv[2]).read().split():
    process.add_job(url, sys.argv[3] + "/" + url.rpartition("/")[2], parallelchunks=16)
process.prepare()
status, _ = process.run()
sys.exit(not status.ok)
"""


def _copy_process(ground: Ground, shape: Shape, protocol: str, folder: Path, streams: Streams) -> Sequence[str]:
    listing = _listing(ground, shape, protocol, folder)
    command = [sys.executable, "-c", _COPY_PROCESS, str(streams.files), str(listing), str(folder)]
    return ["env", f"XRD_SUBSTREAMSPERCHANNEL={min(streams.each, 15)}", *command]


def _listing(ground: Ground, shape: Shape, protocol: str, folder: Path) -> Path:
    listing = folder.parent / "urls.txt"
    listing.write_text("\n".join(ground.url(path, protocol) for path in ground.files(shape)) + "\n")
    return listing


_ALL = ("file", "root", "https")
AGAIN = "nbrucio sync, hosts known"
PEERS = (
    Peer("nbrucio sync", "nbrucio", _ALL, _nbrucio),
    Peer("rucio download", "rucio", _ALL, _rucio, lambda _: (OWN, Streams(8))),
    Peer("cp -r", "raw", ("file",), _copy),
    Peer("xrootd CopyProcess", "raw", ("root",), _copy_process, _in_parts),
    Peer("xrdcp --parallel", "raw", ("root",), _xrdcp, _several),
    Peer("curl -Z", "raw", ("https",), _curl, _several),
)
#: Besides, over a long line.
WAN_PEERS = (
    Peer(AGAIN, "nbrucio", ("root", "https"), _nbrucio_again),
    Peer("aria2c", "raw", ("https",), _aria2c, _in_parts),
    Peer("rclone", "raw", ("https",), _rclone, _in_parts),
)


def empty(folder: Path) -> Path:
    """``folder``, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
