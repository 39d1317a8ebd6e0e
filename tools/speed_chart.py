"""Makes docs/images/speed.svg from the tables of the benchmarks: ``.venv/bin/python tools/speed_chart.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[1] / "docs"
CHART = DOCS / "images/speed.svg"
#: Rows of benchmarks.md and of benchmarks-far.md, with what the chart calls them.
NEAR = {"https": "https, beside the storage", "root": "root://, beside the storage"}
FAR = {"https, RTT 40 ms": "https, 40 ms away", "root://, 40 ms": "root://, 40 ms away"}

_LEFT, _RIGHT, _WIDTH, _BAR, _GAP = 190, 60, 760, 16, 26
#: Colours that are told apart on white and on black, also by readers who see no red or green.
_STYLE = """<style>
text { font: 13px sans-serif; fill: #1f2328 } .group { font-weight: bold }
.nbrucio { fill: #0b6bcb } .raw { fill: #8c959f } .rucio { fill: #d9822b }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .nbrucio { fill: #4c9be8 } }
</style>"""


class Group(NamedTuple):
    """Seconds for 1,000 files of 1 MB, by program."""

    name: str
    nbrucio: float
    raw: float
    raw_name: str
    rucio: float


def groups() -> Iterator[Group]:
    """The rows that the chart shows.

    Raises:
        KeyError: a table has no such row.
    """
    near = {row[1]: row for row in reversed(_rows("benchmarks.md")) if row[0] == "1000x1MB"}
    for row, name in NEAR.items():
        _, _, ours, rucio, _, raw, *_ = near[row]
        yield Group(name, _number(ours), _number(raw), raw.partition("(")[2].rstrip(")"), _number(rucio))
    far = {row[0]: row for row in reversed(_rows("benchmarks-far.md")) if len(row) == 6}
    for row, name in FAR.items():
        _, ours, _, raw, _, rucio = far[row]
        program = raw.partition(", ")[2].replace("`", "")
        yield Group(name, _number(ours), _number(raw), program, _number(rucio))


def chart() -> str:
    """Return the chart as SVG."""
    found = list(groups())
    scale = (_WIDTH - _LEFT - _RIGHT) / max(group.rucio for group in found)
    height = len(found) * (_GAP + 3 * _BAR + 14)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img">'
    lines = [head, "<title>Seconds for 1,000 files of 1 MB; shorter is faster</title>", _STYLE]
    top = 0
    for group in found:
        top += 16
        lines.append(f'<text class="group" x="0" y="{top}">{group.name}</text>')
        for kind, name, seconds in (
            ("nbrucio", "nbrucio", group.nbrucio),
            ("raw", group.raw_name, group.raw),
            ("rucio", "rucio download", group.rucio),
        ):
            top += _BAR
            width = round(seconds * scale, 1)
            lines.append(f'<text x="{_LEFT - 8}" y="{top + 4}" text-anchor="end">{name}</text>')
            lines.append(f'<rect class="{kind}" x="{_LEFT}" y="{top - 7}" width="{width}" height="{_BAR - 4}"/>')
            lines.append(f'<text x="{_LEFT + width + 6}" y="{top + 4}">{_shown(seconds)} s</text>')
        top += 24
    return "\n".join([*lines, "</svg>", ""])


def _rows(page: str) -> list[list[str]]:
    lines = re.findall(r"^\| .* \|$", (DOCS / page).read_text("utf-8"), re.MULTILINE)
    return [[cell.strip() for cell in line[2:-2].split(" | ")] for line in lines]


def _shown(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"


def _number(cell: str) -> float:
    return float(cell.split()[0])


if __name__ == "__main__":
    CHART.write_text(chart(), encoding="utf-8")
