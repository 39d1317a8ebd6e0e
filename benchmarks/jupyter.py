"""What nbrucio costs in a Jupyter server and in kernels. Prints figures; run it on a quiet machine.

python -m benchmarks.jupyter
"""

from __future__ import annotations

import ast
import asyncio
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from benchmarks.responsiveness import responsiveness
from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry
from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestFile
from nbrucio.pipeline.manifest_files import write

CELL = """
import numpy as np
import matplotlib.pyplot as plt
masses = np.sqrt(2 * pt1 * pt2 * (np.cosh(eta1 - eta2) - np.cos(phi1 - phi2)))
counts, edges = np.histogram(masses, bins=np.logspace(0, 2, 200))
fig, axes = plt.subplots(figsize=(8, 5))
for window in windows:
    axes.axvspan(window.low, window.high, alpha=0.1, label=window.name)
axes.step(edges[:-1], counts / np.diff(edges), where='post')
axes.set(xscale='log', yscale='log', xlabel='mass [GeV]', ylabel='events / GeV')
fig.savefig('spectrum.png')
"""


def best_ms(function: Callable[[], object], rounds: int = 200) -> float:
    """The best wall time of a call: what else this machine does only adds to it."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return 1000 * min(times)


def gate() -> None:
    """The gate on a cell that uses no data."""
    from nbrucio.kernel.gate import Gate

    tree = ast.parse(CELL)
    variables = dict.fromkeys(("pt1", "pt2", "eta1", "eta2", "phi1", "phi2", "windows"), 0)
    print(f"gate, a cell of 11 lines without data: {best_ms(lambda: Gate(variables).visit(tree)):.3f} ms")


def hook() -> None:
    """The save hook on a notebook of 300 cells: the first save, a save after an edit, and one after none."""
    from nbrucio.jupyter.save_hook import update_metadata

    cells = [{"cell_type": "code", "source": f"# {n}\n{CELL}"} for n in range(270)]
    uses = [f"import nbrucio\nDS = 'user.jdoe:dimuon.{n}'\nmuons = nbrucio.data(DS)\n{CELL}" for n in range(30)]
    cells += [{"cell_type": "code", "source": source} for source in uses]
    content: dict[str, object] = {"cells": cells, "metadata": {}}
    first = best_ms(lambda: update_metadata(content, {}), 1)
    edits = count()

    def edit() -> None:
        cells[-1]["source"] = f"{uses[-1]}\n# edit {next(edits)}"
        update_metadata(content, {})

    print(
        f"save hook, 300 cells of which 30 use data: {best_ms(lambda: update_metadata(content, {})):.2f} ms,",
        f"after an edit {best_ms(edit):.2f} ms, the first time {first:.0f} ms",
    )


def opening(folder: Path) -> None:
    """Opening a notebook whose 1,000 files are all here: what the server's thread does, and the loop meanwhile."""
    from nbrucio.config import load
    from nbrucio.jupyter.sync_jobs import SyncJobs, SyncRequest
    from nbrucio.operations.grants import Grants

    notebook = _stored_notebook(folder)

    async def measure() -> tuple[float, float, float]:
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        syncs = SyncJobs(lambda _: None, logging.getLogger("benchmark"), Grants(folder / "grants.json"), load)
        delays: list[float] = []
        began, cpu = time.perf_counter(), time.process_time()
        run = syncs.start(notebook, SyncRequest())
        run.future.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
        while not done.is_set():
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            delays.append(time.perf_counter() - before - 0.001)
        assert set(run.future.result().states.values()) == {"ready"}
        return time.perf_counter() - began, max(delays), time.process_time() - cpu

    for what, forget in (("as it was left", False), ("after a reboot, kernels not told yet", True)):
        runs = []
        for _ in range(7):
            if forget:
                shutil.rmtree(folder / "runtime", ignore_errors=True)
            runs.append(asyncio.run(measure()))
        wall, late, cpu = (1000 * min(run[column] for run in runs) for column in range(3))
        print(
            f"opening, 1,000 files here, {what}: {wall:.0f} ms in a thread ({cpu:.0f} ms of CPU), no request,", end=" "
        )
        print(f"event loop late by at most {late:.0f} ms")


def _stored_notebook(folder: Path) -> Path:
    from nbrucio.sandbox import Sandbox
    from nbrucio.sandbox.seed import NewFile, add_dataset, add_files

    sandbox = Sandbox(folder / "sandbox", tied=True)
    sandbox.start()
    try:
        files = [NewFile(Did("sandbox", f"thousand/{n:04}.dat"), f"file {n}".encode()) for n in range(1000)]
        with sandbox.admin() as client:
            add_files(client, files, ["SANDBOX_HTTPS"])
            did = add_dataset(client, "sandbox", "thousand", [file.did for file in files], closed=True)
        os.environ.update(sandbox.env())
        notebook = folder / "nb.ipynb"
        declared = {"version": 1, "requirements": [{"did": str(did), "handle": "thousand"}]}
        notebook.write_text(
            json.dumps({"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5})
        )
        from nbrucio.config import load
        from nbrucio.pipeline.run import sync

        assert sync([notebook], load()).exit_code == 0
    finally:
        sandbox.stop()  # what follows needs no server
    return notebook


def data(folder: Path) -> None:
    """``nbrucio.data`` in a fresh process, and writing a manifest of 100,000 files."""
    file = folder / "file"
    file.touch()
    notebook = folder / "data.ipynb"
    one = ManifestEntry("muons", "s:muons", None, "ready", (ManifestFile("s:f", str(file)),))
    path = write(Manifest.of(notebook, (one,)))
    code = (
        "import json, hashlib, pathlib, typing, time\n"  # what every kernel has loaded
        "began = time.perf_counter(); import nbrucio; nbrucio.data['muons']\n"
        "print(1000 * (time.perf_counter() - began))"
    )
    import subprocess

    times = [
        float(
            subprocess.run(
                [sys.executable, "-c", code],
                env={"NBRUCIO_MANIFEST": str(path)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(9)
    ]
    print(f"import nbrucio; nbrucio.data['muons']: {min(times):.1f} ms")
    entry = FileEntry(Did("s", "f"), 10, "00620062")
    files = tuple(ManifestFile(f"s:f{n}", f"/data/f{n}", None, n, entry.checksum) for n in range(100_000))
    many = Manifest.of(notebook, (ManifestEntry("many", "s:many", None, "ready", files),))
    print(f"writing a manifest of 100,000 files: {best_ms(lambda: write(many), 3):.0f} ms")


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory(prefix="nbrucio-benchmark-") as name:
        folder = Path(name)
        os.environ["NBRUCIO_RUNTIME_DIR"] = str(folder / "runtime")
        os.environ["NBRUCIO_STORE"] = str(folder / "store")
        gate()
        hook()
        data(folder)
        opening(folder)
        responsiveness(folder)


if __name__ == "__main__":
    main()
