"""What a file system refuses, and nbrucio can do without, costs a notice and never the run.

What was taken out to see it fail is in `tests/world/test_file_systems.py`.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from nbrucio.core.plan import DownloadLimits
from nbrucio.core.planner import refusal
from nbrucio.disk import permissions
from nbrucio.disk.atomic import create_file, replace_file, write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.store import Store
from nbrucio.transfer.allowance import Allowance
from tests.support.faulty_disk import INSTANCE, CountedDisk, entry, failing, put

pytestmark = pytest.mark.trust("M")

REFUSED = [errno.EPERM, errno.ENOTSUP, errno.ENOSYS]


@pytest.mark.parametrize("code", REFUSED)
def test_files_are_committed_where_none_can_be_made_read_only(tmp_path: Path, code: int) -> None:
    disk, notices = CountedDisk(), list[str]()
    disk.fchmod = lambda _fd, _mode: failing(code)("fchmod")  # type: ignore[method-assign]
    store = Store(tmp_path / "store", fs=disk, notify=notices.append)
    for name in "xyz":
        assert put(store, entry(name, b"abc"), b"abc").read_bytes() == b"abc"
        assert store.find(INSTANCE, entry(name, b"abc")) is not None
    assert len(notices) == 1
    assert "refuses to make files read-only" in notices[0]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_is_not_taken_for_one_that_refuses(tmp_path: Path, code: int) -> None:
    disk, notices = CountedDisk(), list[str]()
    disk.fchmod = lambda _fd, _mode: failing(code)("fchmod")  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        put(Store(tmp_path / "store", fs=disk, notify=notices.append), entry("x", b"abc"), b"abc")
    assert notices == []


def test_files_are_committed_where_folders_cannot_be_flushed(tmp_path: Path) -> None:
    disk = CountedDisk()
    flush = disk.fsync

    def only_files(fd: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}"):  # noqa: PTH112
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        flush(fd)

    disk.fsync = only_files  # type: ignore[method-assign]
    assert put(Store(tmp_path / "store", fs=disk), entry("x", b"abc"), b"abc").read_bytes() == b"abc"


@pytest.mark.parametrize(("code", "count"), [(errno.ENOLCK, 1), (errno.ENOSYS, 1), (errno.EBADF, 0)])
def test_refused_locks_are_reported_once(tmp_path: Path, code: int, count: int) -> None:
    disk, notices = CountedDisk(), list[str]()
    disk.try_lock = failing(code)  # type: ignore[method-assign,assignment]
    store = Store(tmp_path / "store", fs=disk, notify=notices.append)
    store.session()
    for name in "xyz":
        lock = store.lock(INSTANCE, entry(name, b"abc").did)
        assert lock is not None
        lock.release()
    assert len(notices) == count
    assert all("refuses locks" in notice for notice in notices)


def test_a_file_system_that_does_not_tell_its_space_forbids_nothing(tmp_path: Path) -> None:
    disk = CountedDisk()
    nothing = SimpleNamespace(f_bavail=0, f_bfree=0, f_blocks=0, f_frsize=4096)
    disk.statvfs = lambda _path: nothing  # type: ignore[method-assign,assignment,return-value]
    free = Store(tmp_path / "store", fs=disk).free_bytes()
    assert free is None
    keep = 10**9
    assert refusal(10**9, DownloadLimits(free, keep)) is None
    Allowance(None, keep, lambda: None).take(entry("x", b"abc"), 3)


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS, errno.EIO])
def test_free_space_that_cannot_be_asked_for_is_unknown(tmp_path: Path, code: int) -> None:
    disk = CountedDisk()
    disk.statvfs = lambda _path: failing(code)("statvfs")  # type: ignore[method-assign,assignment,return-value,func-returns-value]
    assert Store(tmp_path / "store", fs=disk).free_bytes() is None


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_files_are_written_where_they_cannot_be_flushed(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = CountedDisk()
    disk.fsync = disk.sync_all = lambda _fd: failing(code)("fsync")  # type: ignore[method-assign,assignment]
    assert put(Store(tmp_path / "store", fs=disk), entry("x", b"abc"), b"abc").read_bytes() == b"abc"
    monkeypatch.setattr(os, "fsync", lambda _fd: failing(code)("fsync"))
    write_file(tmp_path / "file", b"x", durable=True)
    create_file(tmp_path / "new", b"x")
    replace_file(tmp_path / "file", b"other", lambda: None)
    assert (tmp_path / "file").read_bytes() == b"other"


def test_a_failed_flush_is_an_error_of_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _fd: failing(errno.EIO)("fsync"))
    with pytest.raises(OSError, match="Input/output error"):
        write_file(tmp_path / "file", b"x", durable=True)
    assert list(tmp_path.iterdir()) == []


def test_own_files_are_written_where_modes_cannot_be_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions.os, "chmod", failing_chmod)
    make_private_folder(tmp_path / "new" / "folder")
    write_file(tmp_path / "new" / "folder" / "file", b"x")
    assert (tmp_path / "new" / "folder" / "file").read_bytes() == b"x"


def test_a_folder_that_others_can_read_is_an_error_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions.os, "chmod", failing_chmod)
    tmp_path.joinpath("open").mkdir(mode=0o755)
    with pytest.raises(PermissionError):
        permissions.restrict(tmp_path / "open", 0o700)


def failing_chmod(_target: object, _mode: int) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
