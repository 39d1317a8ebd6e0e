"""Results as a table for people, as Markdown and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.ground import Shape
from benchmarks.peers import OWN, Peer, PeerRun, Streams


@dataclass(frozen=True)
class Result:
    """All runs of one peer on one shape."""

    shape: Shape
    protocol: str
    case: str
    peer: Peer
    runs: tuple[PeerRun, ...]
    streams: Streams = OWN

    @property
    def name(self) -> str:
        """The peer, with its setting if it has one."""
        if not self.streams.files:
            return self.peer.name
        each = f" x {self.streams.each}" if self.streams.each > 1 else ""
        return f"{self.peer.name} ({self.streams.files}{each})"

    @property
    def wall_s(self) -> float:
        return statistics.median(run.wall_s for run in self.runs)

    @property
    def cpu_s_per_gb(self) -> float:
        return statistics.median(run.cpu_s for run in self.runs) / (self.shape.total_bytes / 1e9)

    @property
    def peak_mb(self) -> float:
        return max(run.peak_bytes for run in self.runs) / 1e6

    def as_json(self) -> dict[str, object]:
        return {
            "shape": self.shape.name,
            "protocol": self.protocol,
            "case": self.case,
            "peer": self.name,
            "kind": self.peer.kind,
            "wall_s": [round(run.wall_s, 3) for run in self.runs],
            "median_s": round(self.wall_s, 3),
            "cpu_s_per_gb": round(self.cpu_s_per_gb, 2),
            "peak_mb": round(self.peak_mb, 1),
        }


HEADER = ("shape", "protocol", "case", "peer", "runs", "median s", "nbrucio is", "CPU s/GB", "peak MB")


def rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """One row a result; ``nbrucio is`` says how many times the peer's time is ours."""
    ours = {(one.shape, one.protocol, one.case): one for one in results if one.peer.kind == "nbrucio"}
    found = []
    for one in results:
        mine = ours.get((one.shape, one.protocol, one.case))
        ratio = "" if mine is None or one.peer.kind == "nbrucio" else f"{one.wall_s / mine.wall_s:.2f} times as fast"
        found.append(
            (
                *(one.shape.name, one.protocol, one.case, one.name, str(len(one.runs))),
                *(f"{one.wall_s:.2f}", ratio, f"{one.cpu_s_per_gb:.1f}", f"{one.peak_mb:.0f}"),
            )
        )
    return found


def text(results: Sequence[Result]) -> str:
    """Aligned columns."""
    table = [HEADER, *rows(results)]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEADER))]
    return _lines("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)


def markdown(results: Sequence[Result]) -> str:
    """A Markdown table."""
    table = [HEADER, ("---",) * len(HEADER), *rows(results)]
    return _lines("| " + " | ".join(row) + " |" for row in table)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(line.rstrip() for line in lines) + "\n"
