"""How quickly the command line answers, as ratios of CPU time, and whether it keeps its budget.

Run it with ``make bench-start``. Each pair of commands runs in turn on the same sandbox; the table shows medians of
whole processes.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbrucio.sandbox import Sandbox

ROUNDS = 9


def cpu_s(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Seconds of CPU time that a command takes; its output is thrown away.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=dict(env), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def medians(ours: Sequence[str], theirs: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """The medians of both commands, run in turn after one round that does not count."""
    rounds = [(cpu_s(ours, env), cpu_s(theirs, env)) for _ in range(ROUNDS + 1)][1:]
    return statistics.median(first for first, _ in rounds), statistics.median(second for _, second in rounds)


def write_notebook(path: Path, did: str) -> None:
    """A notebook that declares one DID."""
    value = {"version": 1, "requirements": [{"did": did, "handle": "data"}]}
    content = {"cells": [], "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))


def main() -> int:
    """Measure and print; 1 when the budget is exceeded."""
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
        cpu_s([nbrucio, "sync", str(notebook)], env)
        bare = [sys.executable, "-c", "pass"]
        status = [nbrucio, "status", str(notebook)]
        pairs = (
            ("`nbrucio --help` / `rucio --help`", [nbrucio, "--help"], [rucio, "--help"], 0.3),
            ("`nbrucio status` / `python -c pass`", status, bare, 9.0),
            ("second `nbrucio sync` / `python -c pass`", [nbrucio, "sync", str(notebook)], bare, 9.0),
            ("`nbrucio status` / `rucio whoami`", status, [rucio, "whoami"], 1.0),
        )
        print("| commands | ours | theirs | ratio | at most | |\n|---|---|---|---|---|---|")
        over = False
        for words, ours, theirs, most in pairs:
            first, second = medians(ours, theirs, env)
            kept = first / second <= most
            over = over or not kept
            verdict = "kept" if kept else "exceeded"
            print(f"| {words} | {first:.3f} s | {second:.3f} s | {first / second:.2f} | {most} | {verdict} |")
        return int(over)
    finally:
        sandbox.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
