"""Runs of peers in turn, so that what else the machine does meets all of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.ground import Ground, Shape
from benchmarks.peers import HOSTS, Peer, PeerRun, Streams, arrived, empty, measure
from benchmarks.table import Result


def download(
    ground: Ground, shape: Shape, protocol: str, case: str, peers: Sequence[Peer], rounds: int, rucio_rounds: int
) -> Iterator[Result]:
    """Download everything into an empty folder with each peer. Its best setting counts, found in the first round."""
    runs: dict[str, dict[Streams, list[PeerRun]]] = {peer.name: {} for peer in peers}
    for turn in range(rounds):
        for peer in peers:
            if peer.kind == "rucio" and turn >= rucio_rounds:
                continue
            if turn and not runs[peer.name]:
                continue
            for streams in peer.settings(shape) if turn == 0 else (_best(runs[peer.name]),):
                try:
                    run = _run(ground, shape, protocol, peer, streams)
                except RuntimeError:
                    if turn or peer.kind != "raw":
                        raise
                    continue  # a storage may refuse so many connections
                runs[peer.name].setdefault(streams, []).append(run)
    empty(ground.folder / "output")
    for peer in peers:
        if runs[peer.name]:
            best = _best(runs[peer.name])
            yield Result(shape, protocol, case, peer, tuple(runs[peer.name][best]), best)


def _best(runs: dict[Streams, list[PeerRun]]) -> Streams:
    return min(runs, key=lambda streams: median(run.wall_s for run in runs[streams]))


def _run(ground: Ground, shape: Shape, protocol: str, peer: Peer, streams: Streams) -> PeerRun:
    folder = empty(ground.folder / "output")
    run = measure(peer.command(ground, shape, protocol, folder, streams), ground.environment, folder)
    if not arrived(folder, shape):
        raise RuntimeError(f"{peer.name} did not download all of {shape.name} over {protocol}")
    if (folder / HOSTS).exists():
        shutil.copy(folder / HOSTS, ground.folder / HOSTS)
    return run
