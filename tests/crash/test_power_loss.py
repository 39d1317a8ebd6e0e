"""Power loss after any operation on the disk, with everything lost that was not flushed.

Without the step `_flush_data` in `Committer.commit`, a file of zeros is found as verified. Without `_flush` in
`disk.atomic._write_through`, a notebook is cut short, and so is the copy that should replace it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from itertools import product
from pathlib import Path

import pytest

from nbrucio.core.events import SilentReporter
from nbrucio.disk.atomic import copy_of, replace_file, write_file
from nbrucio.store import Store
from nbrucio.store.fs import FileSystem
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import TransferLimits
from tests.support.faulty_disk import INSTANCE, LOCAL, file_task, objects
from tests.support.power_loss import DiskLog, after_power_cut
from tests.support.trust import Rounds

pytestmark = pytest.mark.trust("C")

#: States tried for each operation in `make test`.
STATES = 12
ONE = TransferLimits(total=1, per_host=1)


class Hasty(FileSystem):
    """Flushes nothing: no power cut follows."""

    def fsync(self, fd: int) -> None: ...

    def sync_all(self, fd: int) -> None: ...


@pytest.mark.parametrize("count", [3, 10], ids=["a flush a file", "one flush for all"])
def test_whatever_is_lost_no_wrong_file_is_found_and_the_next_sync_completes(
    tmp_path: Path, rounds: Rounds, count: int
) -> None:
    contents = {f"{n}.root": random.Random(n).randbytes(200 + 400 * n) for n in range(count)}
    tasks = [file_task(tmp_path / "rse", name, data) for name, data in contents.items()]
    root = tmp_path / "store"
    root.mkdir()
    log = DiskLog(root)
    with log.recording():
        assert all(outcome.stored for outcome in fetch(tasks, Store(root), LOCAL, SilentReporter(), limits=ONE))
    empty = tmp_path / "empty"
    empty.mkdir()

    def survives(case: tuple[int, int], folder: Path) -> None:
        left = folder / "store"
        files = after_power_cut(empty, log, *case, left)
        _keep_inodes(left, log, files)
        store = Store(left)
        for task in tasks:
            stored = store.find(INSTANCE, task.entry)
            assert stored is None or stored.path.read_bytes() == contents[task.entry.did.name], "wrong bytes found"
        again = fetch(tasks, Store(left, fs=Hasty()), LOCAL, SilentReporter(), limits=ONE)
        assert all(outcome.stored for outcome in again), [str(outcome.error) for outcome in again]
        for path in objects(left):
            assert path.read_bytes() == contents[path.name]

    rounds.each(survives, _states(log, rounds), quick=60)


def _states(log: DiskLog, rounds: Rounds) -> list[tuple[int, int]]:
    """The cases: after how many operations, and which of the states that are possible then."""
    states = STATES * 50 if rounds.long else STATES
    # Most cuts are long after a sync, when the system has written some of what was not flushed.
    return [*product(range(len(log.ops)), range(states)), *((len(log.ops), seed) for seed in range(states * 10))]


def _keep_inodes(left: Path, log: DiskLog, files: dict[int, Path]) -> None:
    """Let the records in ``left`` name the inodes of the files there, as they would on the same disk."""
    for record in left.glob("objects/*/*.json"):
        try:
            value = json.loads(record.read_bytes())
        except ValueError:
            continue
        path = files.get(log.numbers.get(value["inode"], -1))
        if path is not None:
            os.utime(path, ns=(value["mtime_ns"],) * 2)
            record.write_text(json.dumps({**value, "inode": path.stat().st_ino}))


@pytest.mark.parametrize("links", [1, 2], ids=["renamed", "written in place"])
def test_a_notebook_is_the_old_or_the_new_one_and_never_a_part(tmp_path: Path, rounds: Rounds, links: int) -> None:
    old, new = b"old" * 500, b"new!" * 700
    root = tmp_path / "work"
    root.mkdir()
    path = root / "nb.ipynb"
    path.write_bytes(old)
    if links == 2:
        os.link(path, tmp_path / "other")
    before = tmp_path / "before"
    shutil.copytree(root, before)
    log = DiskLog(root)
    with log.recording():
        replace_file(path, new, lambda: None)

    def survives(case: tuple[int, int], folder: Path) -> None:
        after_power_cut(before, log, *case, folder / "work")
        left = folder / "work" / "nb.ipynb"
        found = left.read_bytes()
        copy = copy_of(left)
        assert found in (old, new) or copy.read_bytes() == old, found[:20]

    rounds.each(survives, _states(log, rounds))


def test_what_must_last_is_the_old_or_the_new_file(tmp_path: Path, rounds: Rounds) -> None:
    root, before = tmp_path / "kept", tmp_path / "before"
    root.mkdir()
    (root / "grants.json").write_bytes(b"old" * 500)
    shutil.copytree(root, before)
    log = DiskLog(root)
    with log.recording():
        write_file(root / "grants.json", b"new!" * 700, durable=True)

    def survives(case: tuple[int, int], folder: Path) -> None:
        after_power_cut(before, log, *case, folder / "kept")
        assert (folder / "kept" / "grants.json").read_bytes() in (b"old" * 500, b"new!" * 700)

    rounds.each(survives, _states(log, rounds))
