"""Prints the figures of the import graph in docs/architecture.md: ``.venv/bin/python tools/graph.py``."""

from __future__ import annotations

import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import tomllib

ROOT = Path(__file__).parents[1]
PACKAGES = ("nbrucio", "nbrucio_cli", "nbrucio_schemas", "benchmarks")


def room_of(module: str) -> str:
    """Return the room of a module: the file or folder directly in ``nbrucio``, or one of the other packages."""
    return ".".join(module.split(".")[: 2 if module.startswith("nbrucio.") else 1])


def floors() -> list[set[str]]:
    """Return the rooms of each floor from the top, as import-linter checks them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in settings if one.get("exhaustive"))
    inside = [{f"nbrucio.{room.strip()}" for room in layer.split("|")} for layer in layers]
    return [{"nbrucio_cli"}, *inside]


def circles(imports: dict[str, set[str]]) -> list[str]:
    """Return circles of files: one for each file that had to be left out so that none remained."""
    rest, found = {module: set(to) for module, to in imports.items()}, []
    while True:
        try:
            TopologicalSorter(rest).prepare()
        except CycleError as error:
            found.append(" -> ".join(error.args[1]))
            for to in (rest.pop(error.args[1][0]), *rest.values()):
                to.discard(error.args[1][0])
        else:
            return found


def figures() -> dict[str, object]:
    """Return the figures by name."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    arrows = {(room_of(a), room_of(b)) for a, found in imports.items() for b in found if room_of(a) != room_of(b)}
    height = {room: number for number, rooms in enumerate(reversed(floors())) for room in rooms}
    height["nbrucio"] = 0  # the package itself: everything may import it
    back = {(a, b) for a, b in arrows if a in height and b in height and height[a] < height[b]}
    rooms = {room_of(module) for module in graph.modules} - {"nbrucio"}
    return {
        "rooms": sorted(rooms),
        "number of rooms": len(rooms),
        "floors": len(floors()),
        "arrows between rooms": len(arrows),
        "arrows that run back up": sorted(back),
        "circles of files": circles(imports),
    }


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "cli"), str(ROOT / "schemas")]
    for name, figure in figures().items():
        sys.stdout.write(f"{name}: {figure}\n")
