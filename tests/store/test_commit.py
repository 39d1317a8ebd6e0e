"""The one way into the store, and what happens when a step of it fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nbrucio.core.events import Noticed, SilentReporter
from nbrucio.errors import BadConfig, NbrucioError, NoSpace
from nbrucio.store import Store
from nbrucio.store.session import Arrival
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import Outcome, Task, TransferLimits
from tests.support.faulty_disk import (
    INSTANCE,
    LOCAL,
    NO_SPACE,
    CountedDisk,
    entry,
    failing,
    file_task,
    objects,
    partials,
    put,
)
from tests.support.listener import Listener

ONE = TransferLimits(total=1, per_host=1)


def _bring(store: Store, tasks: list[Task]) -> tuple[Outcome, ...]:
    return fetch(tasks, store, LOCAL, SilentReporter(), limits=ONE)


def test_a_name_comes_after_the_flush_and_the_record_after_the_name(tmp_path: Path) -> None:
    disk = CountedDisk()
    store = Store(tmp_path, fs=disk)
    session = store.session()
    lock = store.lock(INSTANCE, entry("x", b"abc").did)
    assert lock is not None
    partial = session.begin(INSTANCE, entry("x", b"abc"), lambda: None)
    partial.write(b"abc")
    disk.calls.clear()
    session.commit([Arrival(INSTANCE, entry("x", b"abc"), partial)])
    order = [call for call in disk.calls if call in ("fsync", "fchmod", "rename", "write")]
    assert order == ["fsync", "fchmod", "rename", "fsync", "fsync", "fsync", "write"]
    lock.release()


def test_of_two_writers_of_one_file_the_record_is_that_of_the_last(tmp_path: Path) -> None:
    store, wanted = Store(tmp_path), entry("x", b"abc")
    for turn in range(3):
        sessions = [store.session(), store.session()]
        arrivals = []
        for session in sessions:
            partial = session.begin(INSTANCE, wanted, lambda: None)
            partial.write(b"abc")
            arrivals.append(Arrival(INSTANCE, wanted, partial))
        for session, arrival in zip(sessions, arrivals, strict=True):
            assert session.commit([arrival])[0].error is None
        found = store.find(INSTANCE, wanted)
        assert found is not None, turn
        assert found.stat[2] == found.path.stat().st_ino


def test_a_writer_that_was_overtaken_leaves_the_record_of_the_other(tmp_path: Path) -> None:
    disk, wanted = CountedDisk(), entry("x", b"abc")
    slow, quick = Store(tmp_path, fs=disk), Store(tmp_path)
    session = slow.session()
    partial = session.begin(INSTANCE, wanted, lambda: None)
    partial.write(b"abc")
    rename = disk.rename

    def overtaken(source: str, target: str) -> None:
        rename(source, target)
        put(quick, wanted, b"abc")

    disk.rename = overtaken  # type: ignore[method-assign]
    assert session.commit([Arrival(INSTANCE, wanted, partial)])[0].error is None
    assert quick.find(INSTANCE, wanted) is not None


def test_the_record_of_an_object_that_was_deleted_is_replaced(tmp_path: Path) -> None:
    store, wanted = Store(tmp_path), entry("x", b"abc")
    put(store, wanted, b"abc").unlink()
    assert store.find(INSTANCE, wanted) is None
    put(store, wanted, b"abc")
    assert store.find(INSTANCE, wanted) is not None


def test_a_record_that_was_cut_short_is_none(tmp_path: Path) -> None:
    store, wanted = Store(tmp_path), entry("x", b"abc")
    put(store, wanted, b"abc")
    (record,) = tmp_path.glob("objects/*/*.json")
    whole = record.read_bytes()
    for size in range(len(whole)):
        record.write_bytes(whole[:size])
        assert store.find(INSTANCE, wanted) is None


def test_a_folder_in_the_place_of_a_record_is_moved_aside(tmp_path: Path) -> None:
    store, wanted = Store(tmp_path), entry("x", b"abc")
    path = put(store, wanted, b"abc")
    path.unlink()
    record = Path(f"{path.parent}.json")
    record.unlink()
    record.mkdir()
    (record / "note").write_text("mine")
    put(store, wanted, b"abc")
    assert store.find(INSTANCE, wanted) is not None
    assert [note.read_text() for note in tmp_path.glob("aside/*/note")] == ["mine"]


def test_many_small_files_share_two_flushes(tmp_path: Path) -> None:
    disk = CountedDisk()
    session = Store(tmp_path, fs=disk).session()
    arrivals = []
    for n in range(50):
        partial = session.begin(INSTANCE, entry(f"{n}", b"abc"), lambda: None)
        partial.write(b"abc")
        arrivals.append(Arrival(INSTANCE, entry(f"{n}", b"abc"), partial))
    assert all(one.stored for one in session.commit(arrivals))
    assert (disk.calls.count("sync_all"), disk.calls.count("fsync")) == (2, 0)


def test_where_nothing_flushes_a_file_system_each_file_is_flushed(tmp_path: Path) -> None:
    disk = CountedDisk()
    disk.sync_all = failing(errno.ENOSYS)  # type: ignore[method-assign,assignment]
    session = Store(tmp_path, fs=disk).session()
    arrivals = []
    for n in range(10):
        partial = session.begin(INSTANCE, entry(f"{n}", b"abc"), lambda: None)
        partial.write(b"abc")
        arrivals.append(Arrival(INSTANCE, entry(f"{n}", b"abc"), partial))
    assert all(one.stored for one in session.commit(arrivals))
    assert disk.calls.count("fsync") >= 20


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_whatever_call_fails_no_bad_file_has_a_final_name_and_a_rerun_succeeds(tmp_path: Path, code: int) -> None:
    contents = {"a.root": b"a" * 3000, "b.root": b"b" * 10}
    tasks = [file_task(tmp_path / "rse", name, content) for name, content in contents.items()]
    n, survived = 0, False
    while not survived:
        n += 1
        root = tmp_path / f"store{n}"
        disk = CountedDisk(n, failing(code))
        try:
            outcomes = _bring(Store(root, fs=disk), tasks)
        except NbrucioError as error:  # the store's folders could not be made
            outcomes = tuple(Outcome(task, None, error) for task in tasks)
        survived = n > len(disk.calls)
        for path in objects(root):
            assert path.read_bytes() == contents[path.name]
        for outcome in outcomes:
            assert (outcome.stored is None) != (outcome.error is None)
            assert code == errno.ENOSPC or not isinstance(outcome.error, NoSpace)
        again = _bring(Store(root), tasks)
        assert all(outcome.stored for outcome in again), (n, disk.calls[n - 1], [str(one.error) for one in again])
    assert n > 30, "too few calls were seen to prove anything"


def test_a_full_disk_ends_the_run_at_once_and_leaves_no_partial(tmp_path: Path) -> None:
    tasks = [file_task(tmp_path / "rse", f"{n}.root", b"x" * 1000) for n in range(20)]
    disk = CountedDisk()
    disk.write = _full_for_data  # type: ignore[method-assign]
    outcomes = _bring(Store(tmp_path / "store", fs=disk), tasks)
    assert all(isinstance(outcome.error, NoSpace) for outcome in outcomes)
    assert sum("was not downloaded" in str(outcome.error) for outcome in outcomes) == 19
    assert partials(tmp_path / "store") == []
    assert objects(tmp_path / "store") == []


def test_a_quota_is_named(tmp_path: Path) -> None:
    disk = CountedDisk()
    disk.fsync = failing(errno.EDQUOT)  # type: ignore[method-assign,assignment]
    (outcome,) = _bring(Store(tmp_path / "store", fs=disk), [file_task(tmp_path / "rse", "x", b"x")])
    assert isinstance(outcome.error, NoSpace)
    assert "quota" in str(outcome.error)


def test_a_read_only_store_says_so(tmp_path: Path) -> None:
    disk = CountedDisk()
    disk.mkdir = failing(errno.EROFS)  # type: ignore[method-assign,assignment]
    with pytest.raises(BadConfig, match="cannot be written: Read-only file system"):
        _bring(Store(tmp_path / "store", fs=disk), [file_task(tmp_path / "rse", "x", b"x")])


def test_a_file_where_the_store_should_be_says_so(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    with pytest.raises(BadConfig, match="must be a folder"):
        _bring(Store(tmp_path / "store"), [file_task(tmp_path / "rse", "x", b"x")])


@pytest.mark.parametrize("stray", ["folder", "file instead of the folder", "wrong file"])
def test_what_stands_in_the_way_is_moved_or_removed(tmp_path: Path, stray: str) -> None:
    task = file_task(tmp_path / "rse", "x.root", b"right")
    first = _bring(Store(tmp_path / "probe"), [task])[0].stored
    assert first is not None
    place = tmp_path / "store" / first.path.relative_to(tmp_path / "probe")
    place.parent.parent.mkdir(parents=True)
    if stray == "folder":
        (place / "precious").mkdir(parents=True)
    elif stray == "wrong file":
        place.parent.mkdir()
        place.write_text("wrong")
    else:
        place.parent.write_text("precious")
    heard = Listener()
    (outcome,) = fetch([task], Store(tmp_path / "store"), LOCAL, heard)
    assert outcome.stored is not None
    assert outcome.stored.path.read_bytes() == b"right"
    if stray != "wrong file":
        assert any(isinstance(event, Noticed) and "aside" in event.message for event in heard.events)
        assert len(list((tmp_path / "store" / "aside").iterdir())) == 1


def _full_for_data(fd: int, data: bytes | memoryview) -> None:
    if len(data) == 1000:
        NO_SPACE("write")
    os.write(fd, data)
