"""``make bench``: run every peer on every shape, in turn, and print the table.

The peers of one shape take turns, each raw tool with its best number of streams. Output goes to memory where that is
large enough, since otherwise the disk is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ground import PROTOCOLS, SHAPES, Ground, Shape, prepared, room_for
from benchmarks.peers import PEERS, empty, measure
from benchmarks.rounds import download
from benchmarks.table import Result, markdown, text

#: The shape of which a complete copy is asked for again, and from which the cold start is taken.
_AGAIN = "1000x1MB"


def main() -> None:
    options = _options()
    shapes = tuple(shape for shape in SHAPES if shape.name in options.shapes)
    protocols = tuple(options.protocols)
    results = []
    with (
        tempfile.TemporaryDirectory(dir=room_for(shapes, options.folder), prefix="nbrucio-bench-") as name,
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


def _all_results(
    ground: Ground, shapes: tuple[Shape, ...], protocols: tuple[str, ...], options: argparse.Namespace
) -> Iterator[Result]:
    for shape in shapes:
        for protocol in protocols:
            peers = [peer for peer in PEERS if protocol in peer.protocols and peer.name not in options.without]
            yield from download(ground, shape, protocol, "download", peers, options.rounds, options.rucio_rounds)
    again = next((shape for shape in shapes if shape.name == _AGAIN), None)
    if again is not None:
        yield from _complete(ground, again, protocols[0], options)


def _complete(ground: Ground, shape: Shape, protocol: str, options: argparse.Namespace) -> Iterator[Result]:
    """Ask for what is complete already."""
    for peer in PEERS:
        rounds = options.rounds if peer.kind == "nbrucio" else options.rucio_rounds
        if protocol in peer.protocols and peer.kind != "raw" and rounds:
            folder = empty(ground.folder / "output")
            command = peer.command(ground, shape, protocol, folder, peer.settings(shape)[0])
            measure(command, ground.environment, folder)
            log = ground.sandbox.access_log
            before = log.stat().st_size
            runs = tuple(measure(command, ground.environment, folder) for _ in range(rounds))
            if peer.kind == "nbrucio" and log.stat().st_size != before:
                raise RuntimeError("nbrucio sent a request though it had nothing to do")
            yield Result(shape, protocol, "nothing to do", peer, runs)


if __name__ == "__main__":
    os.umask(0o022)
    main()
