"""Stores below one's own: their files are used, and nothing in them is written or removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbrucio.store import Store, shared
from nbrucio.store.shared import ReadOnlyFileSystem
from tests.support.faulty_disk import INSTANCE, entry, put

CONTENT = b"muons" * 1000
FILE = entry("x", CONTENT)


def _picture(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file below ``root`` with its time, its mode and its bytes."""
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
    }


@pytest.fixture
def group(tmp_path: Path) -> Store:
    """The store of a group, which this test may write; nothing else of the test does."""
    return Store(tmp_path / "group")


def test_a_file_of_a_shared_store_is_used_in_place(tmp_path: Path, group: Store) -> None:
    path = put(group, FILE, CONTENT)
    before = _picture(group.root)
    own = Store(tmp_path / "own", below=(group.root,))
    found = own.find(INSTANCE, FILE)
    assert found is not None
    assert found.path == path
    assert own.where(INSTANCE, FILE.did) == path
    assert own.usage().files == 0, "it counts to the other store"
    assert (_picture(group.root), own.root.exists()) == (before, False)


def test_ones_own_file_is_used_first(tmp_path: Path, group: Store) -> None:
    put(group, FILE, CONTENT)
    own = Store(tmp_path / "own", below=(group.root,))
    path = put(own, FILE, CONTENT)
    found = own.find(INSTANCE, FILE)
    assert found is not None
    assert found.path == path


def test_a_wrong_file_of_a_shared_store_is_neither_used_nor_removed(tmp_path: Path, group: Store) -> None:
    path = put(group, FILE, CONTENT)
    path.chmod(0o644)
    path.write_bytes(CONTENT.replace(b"m", b"n", 1))
    before = _picture(group.root)
    own = Store(tmp_path / "own", state=tmp_path / "state", below=(group.root,))
    assert own.find(INSTANCE, FILE) is None
    assert own.verify(INSTANCE, FILE) is None
    assert _picture(group.root) == before
    own.remember()
    again = Store(tmp_path / "own", state=tmp_path / "state", below=(group.root,))
    assert not again.find(INSTANCE, FILE)
    put(again, FILE, CONTENT)
    assert again.find(INSTANCE, FILE), "it is downloaded into one's own store"


def test_a_file_of_another_users_store_is_read_once(
    tmp_path: Path, group: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(group, FILE, CONTENT)
    before = _picture(group.root)
    monkeypatch.setattr(shared.os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(shared, "_ROOT", -1)
    own = Store(tmp_path / "own", state=tmp_path / "state", below=(group.root,))
    assert own.find(INSTANCE, FILE) is None
    assert own.is_candidate(INSTANCE, FILE)
    assert own.verify(INSTANCE, FILE)
    own.remember()
    again = Store(tmp_path / "own", state=tmp_path / "state", below=(group.root,))
    assert again.find(INSTANCE, FILE)
    assert _picture(group.root) == before


def test_a_shared_store_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    own = Store(tmp_path / "own", below=(tmp_path / "none", tmp_path / "none/either"))
    assert (own.find(INSTANCE, FILE), own.is_candidate(INSTANCE, FILE), own.verify(INSTANCE, FILE)) == (
        None,
        False,
        None,
    )
    put(own, FILE, CONTENT)
    assert own.find(INSTANCE, FILE)


def test_every_call_that_changes_a_disk_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"data")
    before, disk, path = _picture(tmp_path), ReadOnlyFileSystem(), str(file)
    fd = disk.open(path, os.O_RDONLY)
    changes = [
        lambda: disk.open(path, os.O_WRONLY),
        lambda: disk.open(f"{path}2", os.O_RDONLY | os.O_CREAT),
        lambda: disk.truncate(fd, 0),
        lambda: disk.fchmod(fd, 0o777),
        lambda: disk.rename(path, f"{path}2"),
        lambda: disk.unlink(path),
        lambda: disk.mkdir(f"{path}2"),
        lambda: disk.rmdir(str(tmp_path)),
        lambda: disk.symlink(path, f"{path}2"),
        lambda: disk.clone(fd, fd),
    ]
    for change in changes:
        with pytest.raises(OSError, match="Read-only"):
            change()
    disk.close(fd)
    assert _picture(tmp_path) == before
