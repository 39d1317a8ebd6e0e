"""``make bench-wan``: nbrucio and its peers, each at its best setting, over lines with latency and capped connections.

The storage is a real xrootd server (https and root://), the line a proxy before it (`benchmarks.line`), and Rucio is
near. Prints the proxy's own ceiling, then one row a cell with ratios. The whole matrix takes hours; options select
cells of it, as in

    make bench-wan BENCH="--rtt 40 --caps 0 --shapes 1000x1MB --protocols https"
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ground import Ground, Shape, prepared, room_for
from benchmarks.line import Line, opened
from benchmarks.peers import AGAIN, PEERS, WAN_PEERS, Peer
from benchmarks.rounds import download
from benchmarks.table import Result

SHAPES = (
    Shape("1000x100kB", 1000, 100_000),
    Shape("1000x1MB", 1000, 1_000_000),
    Shape("20x100MB", 20, 100_000_000),
    Shape("1x2GB", 1, 2_000_000_000),
)
_PROTOCOLS = ("https", "root")
_HEADER = (
    *("shape", "protocol", "RTT ms", "MB/s a connection", "nbrucio s", "hosts known s", "best raw tool s"),
    *("times the raw tool", "`rucio download` s", "faster than it", "CPU s/GB", "peak MB"),
)


def main() -> None:
    options = _options()
    shapes = tuple(shape for shape in SHAPES if shape.name in options.shapes)
    with (
        tempfile.TemporaryDirectory(dir=room_for(shapes, options.folder), prefix="nbrucio-bench-") as name,
        prepared(Path(name), shapes, tuple(options.protocols), with_line=True, with_own_ca=options.own_ca) as ground,
    ):
        for protocol in options.protocols:
            _say(f"The proxy's own ceiling, {protocol}: {_ceiling(ground, shapes[-1], protocol):,.0f} MB/s")
        _say("| " + " | ".join(_HEADER) + " |\n|" + "---|" * len(_HEADER))
        results: list[Result] = []
        for cell in _cells(ground, shapes, options):
            results += cell
            _say(_row(cell))
            options.output.mkdir(parents=True, exist_ok=True)
            (options.output / "wan.json").write_text(json.dumps([one.as_json() for one in results], indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wan", description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=[shape.name for shape in SHAPES], metavar="SHAPE")
    parser.add_argument("--protocols", nargs="+", default=list(_PROTOCOLS), choices=_PROTOCOLS)
    parser.add_argument("--rtt", type=float, nargs="+", default=[0, 10, 40, 150], metavar="MS")
    parser.add_argument("--caps", type=float, nargs="+", default=[0, 20, 5], metavar="MB/S", help="of a connection")
    parser.add_argument("--source", type=float, default=0, metavar="MB/S", help="cap of all connections together")
    parser.add_argument("--places", type=int, default=0, help="connections that the storage accepts")
    parser.add_argument("--slows", type=int, default=0, help="connections above which the storage slows down")
    parser.add_argument("--brittle", type=int, default=0, help="connections above which the storage collapses")
    parser.add_argument("--own-ca", action="store_true", help="root:// is read in a child then")
    parser.add_argument("--rounds", type=int, default=3, help="runs of nbrucio and of the raw tools")
    parser.add_argument("--rucio-rounds", type=int, default=1, help="runs of rucio download, which take minutes")
    parser.add_argument("--without", nargs="+", default=[], metavar="PEER", help="peers to leave out, by full name")
    parser.add_argument("--folder", type=Path, default=None, help="where files go; default: memory if it has room")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"), help="for wan.json")
    return parser.parse_args()


def _cells(ground: Ground, shapes: tuple[Shape, ...], options: argparse.Namespace) -> Iterator[list[Result]]:
    for shape in shapes:
        for protocol in options.protocols:
            for rtt_ms in options.rtt:
                for cap in options.caps:
                    line = Line(rtt_ms, cap, options.source, options.places, options.slows, options.brittle)
                    (ground.folder / "hosts.json").unlink(missing_ok=True)
                    with opened(line, ground.behind()):
                        case = f"{rtt_ms:g} | {cap:g}" if cap else f"{rtt_ms:g} | no cap"
                        peers = _peers(protocol, options.without)
                        yield list(download(ground, shape, protocol, case, peers, options.rounds, options.rucio_rounds))


def _peers(protocol: str, without: list[str]) -> list[Peer]:
    return [peer for peer in (*PEERS, *WAN_PEERS) if protocol in peer.protocols and peer.name not in without]


def _ceiling(ground: Ground, shape: Shape, protocol: str) -> float:
    """MB/s of the best raw tool through the proxy without latency and caps."""
    peers = [peer for peer in _peers(protocol, []) if peer.name in ("curl -Z", "xrootd CopyProcess")]
    with opened(Line(), ground.behind()):
        (best,) = download(ground, shape, protocol, "ceiling", peers, 1, 0)
    return shape.total_bytes / 1e6 / best.wall_s


def _row(cell: list[Result]) -> str:
    ours = next(one for one in cell if one.peer.kind == "nbrucio" and one.peer.name != AGAIN)
    again = next((one for one in cell if one.peer.name == AGAIN), None)
    raw = min((one for one in cell if one.peer.kind == "raw"), key=lambda one: one.wall_s, default=None)
    rucio = next((one for one in cell if one.peer.kind == "rucio"), None)
    cells = [
        *(ours.shape.name, ours.protocol, ours.case, f"{ours.wall_s:.2f}"),
        f"{again.wall_s:.2f}" if again else "",
        f"{raw.wall_s:.2f} ({raw.name})" if raw else "",
        f"{ours.wall_s / raw.wall_s:.2f}" if raw else "",
        f"{rucio.wall_s:.0f}" if rucio else "",
        f"{rucio.wall_s / ours.wall_s:.1f}" if rucio else "",
        *(f"{ours.cpu_s_per_gb:.1f}", f"{ours.peak_mb:.0f}"),
    ]
    return "| " + " | ".join(cells) + " |"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.umask(0o022)
    main()
