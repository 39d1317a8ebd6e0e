"""Other programs that meddle with the store: nbrucio says what is wrong, and calls no damaged file ready."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from nbrucio.errors import BadConfig, NbrucioError
from nbrucio.store import Store
from nbrucio.store.session import Arrival
from tests.support.faulty_disk import INSTANCE, entry

FILE = entry("x", b"a" * 200)


@pytest.mark.parametrize("size_bytes", [10, 150])
def test_a_partial_file_that_was_shortened_is_not_committed(tmp_path: Path, size_bytes: int) -> None:
    store = Store(tmp_path / "store")
    session = store.session()
    partial = session.begin(INSTANCE, FILE, lambda: None)
    partial.write(b"a" * 150)
    os.truncate(partial.path, size_bytes)
    partial.write(b"a" * 50)
    (done,) = session.commit([Arrival(INSTANCE, FILE, partial)])
    if size_bytes == 150:  # nothing was lost
        assert done.stored is not None
        return
    assert done.error is not None
    assert "Another program removed or changed files" in done.error.message
    assert store.find(INSTANCE, FILE) is None
    assert not store.has_object(INSTANCE, FILE.did)


def test_a_store_that_is_removed_meanwhile_is_said_to_be_so(tmp_path: Path) -> None:
    session = Store(tmp_path / "store").session()
    partial = session.begin(INSTANCE, FILE, lambda: None)
    partial.write(b"a" * 200)
    shutil.rmtree(tmp_path / "store")
    (done,) = session.commit([Arrival(INSTANCE, FILE, partial)])
    assert done.error is not None
    assert "Another program removed or changed files" in done.error.message


@pytest.mark.parametrize("name", ["store", "store/objects"])
def test_the_file_in_the_way_is_named(tmp_path: Path, name: str) -> None:
    blocked = tmp_path / name
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("")
    with pytest.raises(NbrucioError) as caught:
        Store(tmp_path / "store").session()
    assert f"used: {blocked} must be a folder." in caught.value.message


def test_a_store_on_two_disks_is_refused_before_anything_is_downloaded(tmp_path: Path) -> None:
    other = Path("/dev/shm")  # another disk on every Linux
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one disk only")
    folder = other / f"nbrucio-{os.getpid()}"
    folder.mkdir()
    try:
        (tmp_path / "store").mkdir()
        (tmp_path / "store" / "objects").symlink_to(folder)
        with pytest.raises(BadConfig, match="on different disks"):
            Store(tmp_path / "store").session()
    finally:
        folder.rmdir()
