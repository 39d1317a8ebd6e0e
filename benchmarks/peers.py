"""The commands that are compared. Each brings one dataset into an empty folder, as a process of its own."""

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

from benchmarks.ground import Ground, Shape

#: The same number of streams for every raw tool as nbrucio opens to one host.
STREAMS = 4
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Peer:
    """One way to bring a dataset.

    Attributes:
        name: what the table calls it.
        kind: ``nbrucio``, ``rucio`` or ``raw``.
        protocols: for which protocols it is run.
        command: its command line, for an output folder that exists and is empty; may write helper files there.
    """

    name: str
    kind: str
    protocols: tuple[str, ...]
    command: Callable[[Ground, Shape, str, Path], Sequence[str]]


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
    """Whether a folder holds all files of a shape; for each peer this is looked at after the clock stopped."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sizes.count(shape.size_bytes) == shape.files


def _nbrucio(ground: Ground, shape: Shape, protocol: str, folder: Path) -> Sequence[str]:
    return [
        *("env", f"NBRUCIO_STORE={folder}", str(_BIN / "nbrucio")),
        *("sync", "--quiet", str(notebook(ground, shape, protocol))),
    ]


def _rucio(*options: str) -> Callable[[Ground, Shape, str, Path], Sequence[str]]:
    def command(ground: Ground, shape: Shape, protocol: str, folder: Path) -> Sequence[str]:
        return [str(_BIN / "rucio"), "download", "--dir", str(folder), *options, str(ground.did(shape, protocol))]

    return command


def _copy(ground: Ground, shape: Shape, protocol: str, folder: Path) -> Sequence[str]:
    del protocol
    return ["cp", "-r", str(ground.files(shape)[0].parent), str(folder)]


def _curl(ground: Ground, shape: Shape, protocol: str, folder: Path) -> Sequence[str]:
    lines = []
    for path in ground.files(shape):
        lines += [f'url = "{ground.url(path, protocol)}"', f'output = "{folder / path.name}"']
    configuration = folder.parent / "curl.cfg"
    configuration.write_text("\n".join(lines))
    options = ["--silent", "--fail", "--cacert", str(ground.ca), "--parallel", "--parallel-max", str(STREAMS)]
    return ["curl", *options, "--config", str(configuration)]


def _xrdcp(ground: Ground, shape: Shape, protocol: str, folder: Path) -> Sequence[str]:
    listing = folder.parent / "xrdcp.txt"
    listing.write_text("\n".join(ground.url(path, protocol) for path in ground.files(shape)) + "\n")
    return ["xrdcp", "--nopbar", "--silent", "--parallel", str(STREAMS), "--infiles", str(listing), str(folder)]


_COPY_PROCESS = """
import sys
from XRootD.client import CopyProcess
process = CopyProcess()
process.parallel(int(sys.argv[1]))
for url in open(sys.argv[2]).read().split():
    process.add_job(url, sys.argv[3] + "/" + url.rpartition("/")[2])
process.prepare()
status, _ = process.run()
sys.exit(not status.ok)
"""


def _copy_process(ground: Ground, shape: Shape, protocol: str, folder: Path) -> Sequence[str]:
    listing = folder.parent / "copyprocess.txt"
    listing.write_text("\n".join(ground.url(path, protocol) for path in ground.files(shape)))
    return [sys.executable, "-c", _COPY_PROCESS, str(2 * STREAMS), str(listing), str(folder)]


_ALL = ("file", "root", "https")
PEERS = (
    Peer("nbrucio sync", "nbrucio", _ALL, _nbrucio),
    Peer("rucio download", "rucio", _ALL, _rucio()),
    Peer("rucio download, 8 threads", "rucio", _ALL, _rucio("--ndownloader", "8")),
    Peer("cp -r", "raw", ("file",), _copy),
    Peer("xrootd CopyProcess", "raw", ("root",), _copy_process),
    Peer("xrdcp --parallel", "raw", ("root",), _xrdcp),
    Peer("curl -Z", "raw", ("https",), _curl),
)


def empty(folder: Path) -> Path:
    """``folder``, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
