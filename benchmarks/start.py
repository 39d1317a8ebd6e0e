"""How quickly the command line answers, against `rucio`'s, as ratios.

Run it with ``make bench-start``. Each pair of commands runs in turn on the same sandbox; the table shows medians of
whole processes, start to end.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbrucio.sandbox import Sandbox

ROUNDS = 9


def wall_s(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Seconds that a command takes; its output is thrown away.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    began = time.perf_counter()
    subprocess.run(command, env=dict(env), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def medians(ours: Sequence[str], theirs: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """The medians of both commands, run in turn after one round that does not count."""
    rounds = [(wall_s(ours, env), wall_s(theirs, env)) for _ in range(ROUNDS + 1)][1:]
    return statistics.median(first for first, _ in rounds), statistics.median(second for _, second in rounds)


def write_notebook(path: Path, did: str) -> None:
    """A notebook that declares one DID."""
    value = {"version": 1, "requirements": [{"did": did, "handle": "data"}]}
    content = {"cells": [], "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))


def main() -> None:
    """Measure and print."""
    binaries = Path(sys.executable).parent
    nbrucio, rucio = str(binaries / "nbrucio"), str(binaries / "rucio")
    folder = Path(tempfile.mkdtemp(prefix="nbrucio-bench-"))
    sandbox = Sandbox(folder / "sandbox", tied=True)
    try:
        sandbox.start()
        # pip compiles what it installs, and so rucio; a checkout is compiled by its first run, if that is allowed.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env = inherited | sandbox.env() | {"NBRUCIO_STORE": str(folder / "store")}
        env |= {"NBRUCIO_RUNTIME_DIR": str(folder / "runtime")}
        notebook = folder / "nb.ipynb"
        write_notebook(notebook, "sandbox:dimuon")
        wall_s([nbrucio, "sync", str(notebook)], env)
        pairs = (
            ("`nbrucio --help` / `rucio --help`", [nbrucio, "--help"], [rucio, "--help"]),
            ("second `nbrucio sync` / `rucio whoami`", [nbrucio, "sync", str(notebook)], [rucio, "whoami"]),
            ("`nbrucio status` / `rucio whoami`", [nbrucio, "status", str(notebook)], [rucio, "whoami"]),
        )
        print("| commands | ours | theirs | ratio |\n|---|---|---|---|")
        for words, ours, theirs in pairs:
            first, second = medians(ours, theirs, env)
            print(f"| {words} | {first:.3f} s | {second:.3f} s | {first / second:.3f} |")
    finally:
        sandbox.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
