"""Other programs that meddle with the store: nbrucio says what is wrong, and calls no damaged file ready."""

from __future__ import annotations

import os
import shutil
import sys
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


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        # Whatever a mistake in the setting names must not be moved away.
        ("above", "Set store.path or NBRUCIO_STORE to a folder."),
        ("above/store", "Set store.path or NBRUCIO_STORE to a folder."),
        ("above/store/objects", "Move that file away, then try again."),
    ],
)
@pytest.mark.parametrize("is_link", [False, True])
def test_the_file_in_the_way_is_named(tmp_path: Path, name: str, hint: str, is_link: bool) -> None:
    blocked = tmp_path / name
    blocked.parent.mkdir(exist_ok=True, parents=True)
    if is_link:
        blocked.symlink_to(tmp_path / "nowhere" / "at all")
    else:
        blocked.write_text("")
    with pytest.raises(BadConfig) as caught:
        Store(tmp_path / "above" / "store").session()
    assert caught.value.message.endswith(f" cannot be used: {blocked} must be a folder.")
    assert caught.value.hint == hint


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_a_store_that_no_folder_can_be_made_for_was_not_removed_by_a_program() -> None:
    with pytest.raises(NbrucioError, match=r"The cache /proc/no-store cannot be used: No such file or directory\."):
        Store(Path("/proc/no-store")).session()


@pytest.mark.skipif(sys.platform != "linux", reason="every Linux has another disk at /dev/shm; macOS has none there")
def test_a_store_on_two_disks_is_refused_before_anything_is_downloaded(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    assert other.stat().st_dev != tmp_path.stat().st_dev
    folder = other / f"nbrucio-{os.getpid()}"
    folder.mkdir()
    try:
        (tmp_path / "store").mkdir()
        (tmp_path / "store" / "objects").symlink_to(folder)
        with pytest.raises(BadConfig, match="on different disks"):
            Store(tmp_path / "store").session()
    finally:
        folder.rmdir()
