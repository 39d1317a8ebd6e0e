"""kill -9, at every call and at random: what is under a final name is right, and the next run goes on.

With `store.partial.Partials._adopt` returning False, a killed download starts again from its first byte.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from tests.support.faulty_disk import objects, partials
from tests.support.hostile_storage import GOOD, Hostile, write_ca

pytestmark = pytest.mark.trust("K")

REPOSITORY = Path(__file__).parents[2]
#: `make bench` kills 200 times (NBRUCIO_KILLS); in the suite fewer do, for time.
KILLS = int(os.environ.get("NBRUCIO_KILLS", "12"))


def _describe(path: Path, files: dict[str, tuple[bytes, str]], ca: Path | None = None, per_host: int = 4) -> Path:
    rows = [(name, len(data), f"{zlib.adler32(data):08x}", pfn) for name, (data, pfn) in files.items()]
    path.write_text(json.dumps({"files": rows, "ca": str(ca) if ca else None, "per_host": per_host}))
    return path


def _start(store: Path, tasks: Path, kill_at: int | None = None) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.support.fetch_tasks",
        str(store),
        str(tasks),
        *([str(kill_at)] if kill_at else []),
    ]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, start_new_session=True)


def _local_files(folder: Path, count: int, size: int) -> dict[str, tuple[bytes, str]]:
    folder.mkdir()
    files = {}
    for n in range(count):
        data = random.Random(n).randbytes(size)
        (folder / str(n)).write_bytes(data)
        files[str(n)] = (data, f"file://{folder / str(n)}")
    return files


def _check(store: Path, files: dict[str, tuple[bytes, str]]) -> None:
    for path in objects(store):
        assert path.read_bytes() == files[path.name][0], "half a file under a final name"


def test_killed_before_any_call_of_the_store_the_next_run_completes(tmp_path: Path) -> None:
    files = _local_files(tmp_path / "rse", 2, 3000)
    tasks = _describe(tmp_path / "tasks.json", files, per_host=1)
    whole = _start(tmp_path / "whole", tasks)
    text, _ = whole.communicate(timeout=60)
    calls = int(text.rpartition("calls ")[2])
    assert calls > 20
    # Every call in turn; started a few at a time, since starting Python is what takes the time.
    for first in range(1, calls + 1, 4):
        turns = range(first, min(first + 4, calls + 1))
        running = {n: _start(tmp_path / f"store{n}", tasks, n) for n in turns}
        for process in running.values():
            process.communicate(timeout=60)
        for n in running:
            _check(tmp_path / f"store{n}", files)
        running = {n: _start(tmp_path / f"store{n}", tasks) for n in turns}
        for n, process in running.items():
            process.communicate(timeout=60)
            assert process.returncode == 0, n
            _check(tmp_path / f"store{n}", files)
            assert len(objects(tmp_path / f"store{n}")) == 2
            assert not [path for path in partials(tmp_path / f"store{n}") if path.suffix == ".part"]


def test_a_killed_download_is_resumed_and_no_byte_travels_twice(server: Hostile, tmp_path: Path) -> None:
    files = {"x.root": (GOOD, server.url("slow"))}
    tasks = _describe(tmp_path / "tasks.json", files, write_ca(server.ca, tmp_path))
    store = tmp_path / "store"
    process = _start(store, tasks)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and sum(path.stat().st_size for path in partials(store)) < 150_000:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    have = sum(path.stat().st_size for path in partials(store))
    assert 150_000 <= have < len(GOOD)
    assert objects(store) == []
    again = _start(store, tasks)
    text, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert f"started x.root {have}" in text
    assert server.requests[-1].offset == have
    assert server.requests[-1].sent == len(GOOD) - have
    _check(store, files)


def test_killed_again_and_again_each_run_fetches_at_most_what_was_in_flight_again(tmp_path: Path) -> None:
    files = _local_files(tmp_path / "rse", 1000, 20_000)
    tasks = _describe(tmp_path / "tasks.json", files)
    store = tmp_path / "store"
    chance = random.Random(1)
    for _ in range(KILLS):
        process = _start(store, tasks)
        assert process.stdout is not None
        for _ in range(chance.randint(1, max(2, 1500 // KILLS))):
            if not process.stdout.readline():
                break
        process.kill()
        process.communicate()
        assert not _group(process.pid), "a child process lives on"
        before = {path.name for path in objects(store)}
        _check_some(store, files, chance)
        kept = sum(path.stat().st_size for path in partials(store) if path.suffix == ".part")
        assert kept <= 200 * 20_000, "more partial files than can be in flight"
        assert before <= {path.name for path in objects(store)}
    last = _start(store, tasks)
    text, _ = last.communicate(timeout=120)
    assert last.returncode == 0
    begun = {line.split()[1] for line in text.splitlines() if line.startswith("started")}
    assert not begun & before, "what was complete was fetched again"
    _check(store, files)
    assert len(objects(store)) == 1000
    assert not [path for path in partials(store) if path.suffix == ".part"]


def _check_some(store: Path, files: dict[str, tuple[bytes, str]], chance: random.Random) -> None:
    found = objects(store)
    for path in chance.sample(found, min(20, len(found))):
        assert path.read_bytes() == files[path.name][0]


def _group(pid: int) -> list[str]:
    """Processes of the group that this one led."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[2] == str(pid) and fields[0] != "Z":
            found.append(stat.parent.name)
    return found
