"""file:// storage."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nbrucio.core.events import BytesArrived, FileStarted, SilentReporter
from nbrucio.core.files import Replica
from nbrucio.errors import IntegrityError, NoReplica, TransferFailed
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import Outcome, Task
from tests.support.faulty_disk import INSTANCE, LOCAL, CountedDisk, entry, file_task, objects
from tests.support.hostile_storage import GOOD
from tests.support.listener import Listener
from tests.transfer.conftest import QUICK

Bring = Callable[..., Outcome]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good file?#%41.root"
    path.write_bytes(GOOD)
    return path


@pytest.mark.parametrize("prefix", ["file://", "file://localhost", "file:"])
def test_a_file_is_copied_whatever_its_name(bring: Bring, good: Path, prefix: str) -> None:
    outcome = bring(f"{prefix}{good}")
    assert outcome.stored is not None, outcome.error
    assert outcome.stored.path.read_bytes() == GOOD


def test_the_store_keeps_its_bytes_when_the_source_changes(bring: Bring, good: Path) -> None:
    stored = bring(f"file://{good}").stored
    good.write_bytes(b"other")
    assert stored is not None
    assert stored.path.read_bytes() == GOOD


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "absent", "other host", "NUL", "socket"])
def test_what_is_no_file_of_this_machine_is_refused_without_waiting(bring: Bring, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    pfn = {"device": "file:///dev/zero", "other host": f"file://elsewhere{path}", "NUL": "file:///a\0b"}
    error = bring(pfn.get(kind, f"file://{path}")).error
    assert isinstance(error, TransferFailed)


def test_a_damaged_file_gets_no_final_name_and_its_rse_is_named(bring: Bring, good: Path, store: Store) -> None:
    good.write_bytes(GOOD[:-1] + b"!")
    error = bring(f"file://{good}").error
    assert isinstance(error, IntegrityError)
    assert error.exit_code == 9
    assert "RSE0" in str(error)
    assert "adler32" in str(error)
    assert objects(store.root) == []


def test_a_damaged_replica_is_followed_by_the_next(bring: Bring, good: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(GOOD[:-1] + b"!")
    assert bring(f"file://{bad}", f"file://{good}").stored is not None


def test_an_entry_with_md5_only_is_checked_by_md5(store: Store, good: Path) -> None:
    import hashlib

    wanted = entry("x", GOOD)._replace(adler32=None, md5=hashlib.md5(GOOD).hexdigest())
    replicas = (Replica("R", f"file://{good}"),)
    (right,) = fetch([Task(INSTANCE, wanted, replicas)], store, LOCAL, SilentReporter())
    assert right.stored is not None
    assert right.stored.md5 == wanted.md5
    assert store.find(INSTANCE, wanted)
    wrong = wanted._replace(md5="0" * 32)
    (outcome,) = fetch([Task(INSTANCE, wrong, replicas)], store, LOCAL, SilentReporter())
    assert isinstance(outcome.error, IntegrityError)


def test_an_entry_of_unknown_size_and_checksum_is_accepted(store: Store, good: Path) -> None:
    wanted = entry("x", b"")._replace(size_bytes=None, adler32=None)
    (outcome,) = fetch([Task(INSTANCE, wanted, (Replica("R", f"file://{good}"),))], store, LOCAL, SilentReporter())
    assert outcome.stored is not None
    assert outcome.stored.size_bytes == len(GOOD)


def test_an_empty_file_is_a_file(store: Store, tmp_path: Path) -> None:
    (outcome,) = fetch([file_task(tmp_path / "rse", "empty", b"")], store, LOCAL, SilentReporter())
    assert outcome.stored is not None
    assert outcome.stored.path.read_bytes() == b""


@pytest.mark.parametrize(("replicas", "word"), [((), "No replica"), ((Replica("T", "file:///x", tape=True),), "tape")])
def test_a_file_without_a_disk_replica_is_no_replica(store: Store, replicas: tuple[Replica, ...], word: str) -> None:
    (outcome,) = fetch([Task(INSTANCE, entry("x", GOOD), replicas)], store, LOCAL, SilentReporter())
    assert isinstance(outcome.error, NoReplica)
    assert word in str(outcome.error)


def test_a_file_that_is_here_already_is_shared_without_reading_a_replica(store: Store, good: Path) -> None:
    (first,) = fetch(
        [Task(INSTANCE, entry("x", GOOD), (Replica("R", f"file://{good}"),))], store, LOCAL, SilentReporter()
    )
    (again,) = fetch(
        [Task(INSTANCE, entry("x", GOOD), (Replica("R", "file:///gone"),))], store, LOCAL, SilentReporter()
    )
    assert again.stored == first.stored


def test_one_failure_hides_no_other_outcome(store: Store, tmp_path: Path) -> None:
    tasks = [file_task(tmp_path / "rse", f"{n}", b"x" * n) for n in range(30)]
    for n in (3, 17):
        (tmp_path / "rse" / str(n)).unlink()
    outcomes = fetch(tasks, store, LOCAL, SilentReporter(), limits=QUICK)
    assert [outcome.task.entry for outcome in outcomes] == [task.entry for task in tasks]
    assert [n for n, outcome in enumerate(outcomes) if outcome.error] == [3, 17]


def test_the_same_file_twice_is_brought_once(store: Store, tmp_path: Path, listener: Listener) -> None:
    task = file_task(tmp_path / "rse", "x", GOOD)
    outcomes = fetch([task, task], store, LOCAL, listener)
    assert all(outcome.stored for outcome in outcomes)
    assert sum(isinstance(event, FileStarted) for event in listener.events) == 1


def test_the_largest_files_start_first(store: Store, tmp_path: Path, listener: Listener) -> None:
    tasks = [file_task(tmp_path / "rse", f"{n}", b"x" * n) for n in (0, 5, 900, 20, 7)]
    fetch(tasks, store, LOCAL, listener, limits=replace(QUICK, total=1))
    sizes = [event.size_bytes for event in listener.events if isinstance(event, FileStarted)]
    assert sizes[1:] == sorted(sizes[1:], key=lambda size: -(size or 0))


def test_tasks_may_still_be_made_while_files_arrive(store: Store, tmp_path: Path, listener: Listener) -> None:
    tasks = [file_task(tmp_path / "rse", f"{n}", b"x" * n) for n in range(1, 4)]

    def making() -> object:
        yield tasks[0]
        while not any(isinstance(event, FileStarted) for event in listener.events):
            pass
        yield from tasks[1:]

    outcomes = fetch(making(), store, LOCAL, listener)  # type: ignore[arg-type]
    assert all(outcome.stored for outcome in outcomes)


def test_what_the_tasks_raise_is_raised(store: Store) -> None:
    def making() -> object:
        raise NoReplica("the catalogue went away")
        yield

    with pytest.raises(NoReplica, match="went away"):
        fetch(making(), store, LOCAL, SilentReporter())  # type: ignore[arg-type]


def test_where_blocks_can_be_shared_no_byte_is_copied(
    tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = CountedDisk()
    monkeypatch.setattr("nbrucio.store.fs.fcntl.ioctl", _clone)
    listener = Listener()
    wanted = Task(INSTANCE, entry("x", GOOD), (Replica("R", f"file://{good}"),))
    (outcome,) = fetch([wanted], Store(tmp_path / "store", fs=disk), LOCAL, listener)
    assert outcome.stored is not None
    assert outcome.stored.path.read_bytes() == GOOD
    assert sum(event.count for event in listener.events if isinstance(event, BytesArrived)) == len(GOOD)
    assert disk.calls.count("write") == 2, "the store's tag and the record"


def _clone(target_fd: int, _request: int, source_fd: int) -> None:
    """What FICLONE does on btrfs and XFS, which a test machine rarely has. Both refuse a file opened to append."""
    os.sendfile(target_fd, source_fd, 0, os.fstat(source_fd).st_size)
