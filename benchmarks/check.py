"""How long `nbrucio check --offline` takes for many notebooks, and `nbformat` to only validate the same.

Run it with ``python benchmarks/check.py``. Each notebook has ten cells that use data and 200 kB of output; medians of
whole processes, start to end, run in turn.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

NOTEBOOKS = 200
ROUNDS = 5
_LOCK = {
    "did": "sandbox:dimuon",
    "type": "DATASET",
    "files": 4,
    "bytes": 8_388_608,
    "open": False,
    "digest": "sha256:" + 64 * "0",
    "locked": "2026-11-23T10:00:00Z",
}
_VALIDATE = "import sys, nbformat\nfor path in sys.argv[1:]: nbformat.validate(nbformat.read(path, 4))"


def write_notebook(path: Path, number: int) -> None:
    """A notebook as analyses have them."""
    source = f"import nbrucio\nmuons = nbrucio.data['dimuon']\nresult_{number} = [len(path) for path in muons]"
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 20_000}
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [output], "execution_count": 1}
    value = {
        "version": 1,
        "requirements": [{"did": "sandbox:dimuon", "handle": "dimuon"}],
        "lock": {"dimuon": _LOCK},
    }
    content = {"cells": [cell] * 10, "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(content, indent=1))


def wall_s(command: Sequence[str]) -> float:
    """Seconds that a command takes.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="nbrucio-bench-") as name:
        folder = Path(name)
        for number in range(NOTEBOOKS):
            write_notebook(folder / f"{number:03}.ipynb", number)
        ours = [str(Path(sys.executable).with_name("nbrucio")), "check", "--offline", str(folder)]
        theirs = [sys.executable, "-c", _VALIDATE, *map(str, sorted(folder.iterdir()))]
        rounds = [(wall_s(ours), wall_s(theirs)) for _ in range(ROUNDS + 1)][1:]
    first, second = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{NOTEBOOKS} notebooks: nbrucio check {first:.2f} s, nbformat.validate {second:.2f} s, {first / second:.2f}")


if __name__ == "__main__":
    main()
