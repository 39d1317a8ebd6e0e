"""Locks on files of ours: whoever holds one for long, and file systems without any, keep nobody for ever."""

from __future__ import annotations

import errno
import fcntl
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from filelock import FileLock

from nbrucio.core.did import Did
from nbrucio.disk import locks
from nbrucio.operations.grants import Grant, Grants
from nbrucio.store import Store
from tests.support.faulty_disk import INSTANCE, entry, put

GRANT = Grant("i", Did("s", "n"), None, (datetime.now(timezone.utc) + timedelta(days=1)).replace(microsecond=0))


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that refuses every lock, each with another error."""

    def refuse(*_: object) -> None:
        raise OSError(request.param, "refused")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("without_locks")
def test_consent_is_kept_where_the_file_system_refuses_locks(tmp_path: Path) -> None:
    grants = Grants(tmp_path / "grants.json")
    grants.add([GRANT])
    grants.add([GRANT])  # no lock is left behind
    assert grants.all() == (GRANT,)


@pytest.mark.usefixtures("without_locks")
def test_a_killed_process_locks_nobody_out_where_there_are_no_locks(tmp_path: Path) -> None:
    """As a job that is preempted, on a Lustre without flock: no other host can know that it ended."""
    path = tmp_path / "grants.json"
    killed = locks.locked(path)
    killed.__enter__()
    with locks.locked(path, wait_s=0.1):
        path.write_text("mine")


def test_a_lock_that_another_keeps_is_waited_for_up_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "grants.json"
    other = FileLock(f"{path}.lock", is_singleton=False)
    words = r"another process has locked .*grants\.json\.lock for more than 0\.1 s"
    with other, pytest.raises(OSError, match=words), locks.locked(path, wait_s=0.1):
        raise AssertionError("it is locked")
    with locks.locked(path, wait_s=0.1):
        path.write_text("mine")


def test_a_lock_is_released_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "grants.json"
    for _ in range(2):
        with pytest.raises(KeyError), locks.locked(path, wait_s=0.1):
            raise KeyError


def test_a_file_system_that_never_answers_keeps_no_sync_and_no_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As flock on an NFS whose lock server is down. Without `ask_for_lock` both wait for ever."""
    ended, asked = threading.Event(), list[object]()

    def hang(*request: object) -> None:
        asked.append(request)
        ended.wait()

    monkeypatch.setattr(fcntl, "flock", hang)
    monkeypatch.setattr(locks, "_ANSWER_S", 0.1)
    monkeypatch.setattr(locks, "_answered", {})
    notices = list[str]()
    store = Store(tmp_path / "store", notify=notices.append)
    store.session()
    for name in "xy":
        lock = store.lock(INSTANCE, entry(name, b"abc").did)
        assert lock is not None
        lock.release()
        assert put(store, entry(name, b"abc"), b"abc").read_bytes() == b"abc"
    assert len(notices) == 1
    assert "refuses locks (its lock server does not answer)" in notices[0]
    grants = Grants(tmp_path / "grants.json")
    grants.add([GRANT])
    assert grants.all() == (GRANT,)
    assert len(asked) == 1, "only the first request waits"
    ended.set()
