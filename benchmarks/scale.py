"""``make bench-scale``: plan, lock, status and manifest of 100,000 files, as ratios to curl on the same server.

One sandbox, the real Rucio server in it. For each size the bare streams that curl reads and what nbrucio does with the
same data take place in the same run. Of what is quick, the table shows medians.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.bulk import SCOPE, datasets, fill, seed
from nbrucio.catalogue.rucio import BATCH, SCHEMES
from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.configuration import IDENTITY

#: Up to so many files a plan without data is made several times.
_ROUNDS_UP_TO = 20_000
_CURL = shutil.which("curl") or "curl"
#: Runs the command line and tells its peak. What wait4 tells begins with the memory of this process before exec.
TELLING = """
import atexit, sys
status = lambda: sys.stderr.write(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
atexit.register(status)
from nbrucio_cli import main
main()
"""


@dataclass(frozen=True)
class Measurement:
    """One line of the table.

    Attributes:
        files: how many the dataset has.
        what: what was done.
        wall_s: of a whole process, start to end.
        peak_mb: the most memory it had; 0 for curl, which keeps nothing.
        ratio: to the bare streams, in words.
    """

    files: int
    what: str
    wall_s: float
    peak_mb: float = 0.0
    ratio: str = ""


@dataclass(frozen=True)
class Bench:
    """Where one size is measured."""

    sandbox: Sandbox
    folder: Path
    dataset: Did
    count: int
    rounds: int

    @property
    def notebook(self) -> Path:
        return self.folder / "nb.ipynb"

    @property
    def environment(self) -> Mapping[str, str]:
        places = {"NBRUCIO_STORE": str(self.folder / "store"), "NBRUCIO_RUNTIME_DIR": str(self.folder / "runtime")}
        return {**os.environ, **self.sandbox.env(), **places}

    def run(self, what: str, *words: str) -> Measurement:
        """One run of nbrucio. Its exit code may say that data is missing, as it is."""
        return Measurement(self.count, what, *self._once([sys.executable, "-c", TELLING, *words, str(self.notebook)]))

    def _once(self, command: Sequence[str]) -> tuple[float, float]:
        began = time.perf_counter()
        done = subprocess.run(
            command,
            env=dict(self.environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        wall_s = time.perf_counter() - began
        last = done.stderr.split()[-1:]
        if done.returncode not in (0, 4, 8) or not last or not last[0].isdecimal():
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-2000:]}")
        return wall_s, int(last[0]) / 1e3

    def write_notebook(self) -> None:
        value = {"version": 1, "requirements": [{"did": str(self.dataset), "handle": "data"}]}
        content = {"cells": [], "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}
        self.notebook.write_text(json.dumps(content))

    def curl_files(self) -> float:
        """Seconds of the bare files stream."""
        return self._curl(lambda host: [f"url = {host}/dids/{SCOPE}/{self.dataset.name}/files\n"])

    def curl_sums(self) -> float:
        """Seconds of the request for the sums of replicas of each dataset."""
        names = [did.name for did in datasets(self.dataset, self.count)]
        return self._curl(lambda host: [f"url = {host}/replicas/{SCOPE}/{name}/datasets?deep=True\n" for name in names])

    def curl_replicas(self) -> float:
        """Seconds of the replica streams of all files, in requests like those of nbrucio, over one connection."""
        listed = subprocess.run(
            [sys.executable, "-c", _LIST, str(self.dataset)],
            env=dict(self.environment),
            check=True,
            capture_output=True,
            text=True,
        )
        dids = [Did.parse(line) for line in listed.stdout.splitlines()]
        assert len(dids) == self.count
        return self._curl(lambda host: self._requests(host, dids))

    def _requests(self, host: str, dids: Sequence[Did]) -> Iterator[str]:
        head = f'url = {host}/replicas/list\nheader = "Content-Type: application/json"\n'
        for start in range(0, len(dids), BATCH):
            body = self.folder / f"body-{start}.json"
            rows = [{"scope": did.scope, "name": did.name} for did in dids[start : start + BATCH]]
            body.write_text(json.dumps({"dids": rows, "schemes": SCHEMES, "ignore_availability": False}))
            yield f"{head}data = @{body}\n"

    def _curl(self, requests: Callable[[str], Iterable[str]]) -> float:
        with self.sandbox.client() as client:
            token, host = client.auth_token, client.host
        each = f'header = "X-Rucio-Auth-Token: {token}"\noutput = /dev/null\nfail\nsilent\n'
        config = self.folder / "curl.config"
        config.touch(0o600)
        config.write_text("next\n".join(each + request for request in requests(host)))
        began = time.perf_counter()
        subprocess.run([_CURL, "--config", str(config)], check=True)
        return time.perf_counter() - began


_LIST = """
import sys
from nbrucio.config import load
from nbrucio.catalogue.rucio import Catalogues
from nbrucio.core.did import Did
for entry in Catalogues(load()).open("sandbox").files(Did.parse(sys.argv[1])):
    print(entry.did)
"""


def measure(bench: Bench, *, asks: bool, here: bool) -> Iterator[Measurement]:
    """Every line of one size.

    Args:
        asks: also make a plan that asks for the replicas of every file.
        here: also put all files into the store, which needs 12 kB of disk a file, and look again.
    """
    bench.write_notebook()
    yield from _first_plan(bench)
    if asks:
        yield from _exact_plan(bench)
    yield bench.run("lock", "lock")
    yield from _beside_files(bench, "plan by the lock, nothing is here", "plan")
    yield from _beside_files(bench, "status, fresh lock, nothing is here", "status")
    if here:
        fill(bench.folder / "store", IDENTITY, bench.dataset, bench.count)
        yield bench.run("first status, everything is here", "status")
        yield from _beside_files(bench, "status, everything is here", "status")
        yield bench.run("sync: links and manifest", "sync")
        yield from _beside_files(bench, "sync again", "sync")
        yield bench.run("plan, everything is here", "plan")
        yield bench.run("lock: SHA-256 of all files", "lock")


def _first_plan(bench: Bench) -> Iterator[Measurement]:
    """The first plan of data that is not here beside the list of files and the sums of replicas, in turn."""
    rounds = bench.rounds if bench.count <= _ROUNDS_UP_TO else min(3, bench.rounds)
    plans, files, sums = [], [], []
    for _ in range(rounds):
        files.append(bench.curl_files())
        sums.append(bench.curl_sums())
        plans.append(bench.run("first plan, nothing is here", "plan"))
    plan = sorted(plans, key=lambda row: row.wall_s)[rounds // 2]
    files_s, sums_s = statistics.median(files), statistics.median(sums)
    yield Measurement(bench.count, "curl: files stream", files_s)
    yield Measurement(bench.count, "curl: sums of replicas", sums_s)
    times = (plan.wall_s - sums_s) / files_s
    yield replace(plan, ratio=f"{times:.2f} times the files stream, and the sums")


def _exact_plan(bench: Bench) -> Iterator[Measurement]:
    """A plan that asks for each file beside the streams that it reads."""
    files_s, replicas_s = bench.curl_files(), bench.curl_replicas()
    plan = bench.run("plan --exact, nothing is here", "plan", "--exact")
    yield Measurement(bench.count, "curl: replica streams", replicas_s)
    yield replace(plan, ratio=f"{plan.wall_s / (files_s + replicas_s):.2f} times both streams")


def _beside_files(bench: Bench, what: str, *words: str) -> Iterator[Measurement]:
    """Runs of nbrucio and of the files stream in turn, so that what else the machine does meets both."""
    bench.run(what, *words)  # the compiled modules and pages of the first run count for nobody
    pairs = [(bench.run(what, *words), bench.curl_files()) for _ in range(bench.rounds)]
    files_s = statistics.median(one for _, one in pairs)
    wall_s = statistics.median(row.wall_s for row, _ in pairs)
    faster = f"{files_s / wall_s:.1f} times faster than the files stream ({files_s:.2f} s)"
    yield Measurement(bench.count, what, wall_s, max(row.peak_mb for row, _ in pairs), faster)


def markdown(rows: Sequence[Measurement]) -> str:
    """The table."""
    lines = ["| files | what | seconds | peak MB | ratio |", "|---|---|---|---|---|"]
    for row in rows:
        peak = f"{row.peak_mb:.0f}" if row.peak_mb else ""
        lines.append(f"| {row.files:,} | {row.what} | {row.wall_s:.2f} | {peak} | {row.ratio} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[100_000], metavar="FILES")
    parser.add_argument("--rounds", type=int, default=5, help="runs of what is quick")
    parser.add_argument("--here-max", type=int, default=100_000, help="fill a store up to this many files")
    parser.add_argument("--replicas", type=int, default=2, choices=(1, 2), help="of each file")
    parser.add_argument("--ask-max", type=int, default=100_000, help="ask for the replicas of up to so many files")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"), help="for scale.md and scale.json")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    rows: list[Measurement] = []
    with tempfile.TemporaryDirectory(prefix="nbrucio-bench-") as name:
        sandbox = Sandbox(Path(name) / "sandbox", tied=True)
        sandbox.start()
        try:
            for count in options.sizes:
                folder = Path(name) / str(count)
                folder.mkdir()
                dataset = seed(sandbox, count, options.replicas)
                bench = Bench(sandbox, folder, dataset, count, options.rounds)
                for row in measure(bench, asks=count <= options.ask_max, here=count <= options.here_max):
                    rows.append(row)
                    sys.stderr.write(markdown([row]).splitlines()[-1] + "\n")
                    (options.output / "scale.md").write_text(markdown(rows))
                    (options.output / "scale.json").write_text(json.dumps([asdict(row) for row in rows], indent=1))
        finally:
            sandbox.stop()
    sys.stdout.write(markdown(rows))


if __name__ == "__main__":
    main()
