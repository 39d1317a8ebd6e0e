"""``make bench``: run every peer on every shape, in turn, and print the table.

The peers of one shape take turns, so that what else the machine does meets all of them. Output goes to memory where
that is large enough, since otherwise the disk is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ground import PROTOCOLS, SHAPES, Ground, Shape, prepared
from benchmarks.peers import PEERS, Peer, PeerRun, arrived, empty, measure
from benchmarks.table import Result, markdown, text

#: The shape of which a complete copy is asked for again, and from which the cold start is taken.
_AGAIN = "1000x1MB"


def main() -> None:
    options = _options()
    shapes = tuple(shape for shape in SHAPES if shape.name in options.shapes)
    protocols = tuple(options.protocols)
    need = sum({shape.total_bytes for shape in shapes}) + max(shape.total_bytes for shape in shapes) + 1_000_000_000
    results = []
    with (
        tempfile.TemporaryDirectory(dir=_room(options.folder, need), prefix="nbrucio-bench-") as name,
        prepared(Path(name), shapes, protocols) as ground,
    ):
        for result in _all_results(ground, shapes, protocols, options):
            results.append(result)
            sys.stderr.write(text([result]).splitlines()[1] + "\n")
            _write(options.output, results)
    sys.stdout.write(text(results))


def _write(folder: Path, results: list[Result]) -> None:
    """Keep what is known so far: a run takes long, and may be stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps([one.as_json() for one in results], indent=1) + "\n")
    (folder / "results.md").write_text(markdown(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=[shape.name for shape in SHAPES], metavar="SHAPE")
    parser.add_argument("--protocols", nargs="+", default=list(PROTOCOLS), choices=PROTOCOLS)
    parser.add_argument("--rounds", type=int, default=3, help="runs of nbrucio and of the raw tools")
    parser.add_argument("--rucio-rounds", type=int, default=1, help="runs of rucio download, which take minutes")
    parser.add_argument("--without", nargs="+", default=[], metavar="PEER", help="peers to leave out, by full name")
    parser.add_argument("--folder", type=Path, default=None, help="where files go; default: memory if it has room")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"), help="for results.md and .json")
    return parser.parse_args()


def _room(wanted: Path | None, need_bytes: int) -> Path:
    if wanted is not None:
        return wanted
    memory = Path("/dev/shm")  # noqa: S108 a folder of our own is made in it
    if memory.is_dir() and min(shutil.disk_usage(memory).free, _available_bytes()) > 1.3 * need_bytes:
        return memory
    return Path(tempfile.gettempdir())


def _available_bytes() -> int:
    """Memory that programs can still have; 0 where the system does not tell."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return 0
    return int(text.partition("MemAvailable:")[2].split()[0]) * 1024


def _all_results(
    ground: Ground, shapes: tuple[Shape, ...], protocols: tuple[str, ...], options: argparse.Namespace
) -> Iterator[Result]:
    for shape in shapes:
        for protocol in protocols:
            peers = [peer for peer in PEERS if protocol in peer.protocols and peer.name not in options.without]
            yield from _bring(ground, shape, protocol, peers, options)
    again = next((shape for shape in shapes if shape.name == _AGAIN), None)
    if again is not None:
        yield from _complete(ground, again, protocols[0], options)


def _bring(
    ground: Ground, shape: Shape, protocol: str, peers: list[Peer], options: argparse.Namespace
) -> Iterator[Result]:
    """Bring everything into an empty folder."""
    runs: dict[str, list[PeerRun]] = defaultdict(list)
    for turn in range(options.rounds):
        for peer in peers:
            if peer.kind != "rucio" or turn < options.rucio_rounds:
                folder = empty(ground.folder / "output")
                runs[peer.name].append(
                    measure(peer.command(ground, shape, protocol, folder), ground.environment, folder)
                )
                if not arrived(folder, shape):
                    raise RuntimeError(f"{peer.name} brought not all of {shape.name} over {protocol}")
    empty(ground.folder / "output")
    for peer in peers:
        if runs[peer.name]:
            yield Result(shape, protocol, "bring", peer, tuple(runs[peer.name]))


def _complete(ground: Ground, shape: Shape, protocol: str, options: argparse.Namespace) -> Iterator[Result]:
    """Ask for what is complete already."""
    for peer in PEERS:
        if protocol in peer.protocols and peer.kind != "raw" and "threads" not in peer.name:
            folder = empty(ground.folder / "output")
            command = peer.command(ground, shape, protocol, folder)
            measure(command, ground.environment, folder)
            log = ground.sandbox.access_log
            before = log.stat().st_size
            rounds = options.rounds if peer.kind == "nbrucio" else options.rucio_rounds
            runs = tuple(measure(command, ground.environment, folder) for _ in range(rounds))
            if peer.kind == "nbrucio" and log.stat().st_size != before:
                raise RuntimeError("nbrucio sent a request though it had nothing to do")
            yield Result(shape, protocol, "nothing to do", peer, runs)


if __name__ == "__main__":
    os.umask(0o022)
    main()
