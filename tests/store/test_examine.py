"""Whatever lies under a final name is a candidate: used when it is known, read when it is not, refused when wrong."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from nbrucio.errors import Unavailable
from nbrucio.store import Store
from nbrucio.store.objects import Examined
from tests.support.damage import BYTES, THINGS, Damage, flip, flip_silently, folder, restore, swap, truncate
from tests.support.faulty_disk import INSTANCE, CountedDisk, entry, objects, put

CONTENT = b"muons" * 1000
X = entry("x.root", CONTENT)


class ReadOnlyDisk(CountedDisk):
    """A file system that is mounted read-only, which root cannot make in a folder of its own."""

    def __init__(self) -> None:
        super().__init__()
        opened = self.open

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        def open_to_read(path: str, flags: int, mode: int = 0o600) -> int:
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                refuse()
            return int(opened(path, flags, mode))

        self.open = open_to_read  # type: ignore[method-assign]
        for name in ("rename", "unlink", "mkdir", "rmdir", "symlink", "truncate", "fchmod"):
            setattr(self, name, refuse)


@pytest.mark.parametrize("damage", [*BYTES, flip_silently])
def test_a_file_with_wrong_bytes_is_told_and_removed(store: Store, damage: Damage) -> None:
    damage(put(store, X, CONTENT))
    examined = store.examine(INSTANCE, X)
    assert (examined.stored, examined.removed) == (None, True)
    assert examined.problem
    assert objects(store.root) == []
    assert store.examine(INSTANCE, X) == Examined()


@pytest.mark.parametrize("damage", THINGS)
def test_what_is_no_file_is_told_and_neither_followed_nor_waited_for_nor_removed(store: Store, damage: Damage) -> None:
    path = put(store, X, CONTENT)
    damage(path)
    assert store.find(INSTANCE, X) is None
    assert not store.is_candidate(INSTANCE, X)
    examined = store.examine(INSTANCE, X)
    assert (examined.stored, examined.removed) == (None, False)
    assert (examined.problem or "").startswith("it is a ")
    assert os.path.lexists(path)
    assert put(store, X, CONTENT).read_bytes() == CONTENT
    assert store.find(INSTANCE, X)


def test_a_file_in_the_place_of_an_objects_folder_is_told(store: Store) -> None:
    path = put(store, X, CONTENT)
    shutil.rmtree(path.parent)
    path.parent.write_text("mine")
    assert not store.is_candidate(INSTANCE, X)
    assert store.examine(INSTANCE, X).problem == "a file is in the place of its folder"


def test_a_folder_that_a_commit_moved_aside_keeps_what_is_in_it(store: Store) -> None:
    folder(put(store, X, CONTENT))
    put(store, X, CONTENT)
    assert [path.read_text() for path in store.root.glob("aside/*/note")] == ["mine"]


def test_a_wrong_size_is_told_without_a_read(tmp_path: Path) -> None:
    truncate(put(Store(tmp_path), X, CONTENT))
    disk = CountedDisk()
    store = Store(tmp_path, fs=disk)
    assert not store.is_candidate(INSTANCE, X)
    assert store.examine(INSTANCE, X).problem == "it has 2500 bytes instead of 5000"
    assert "readinto" not in disk.calls


def test_what_cannot_be_read_is_an_error_that_names_it_and_a_sync_replaces_it(store: Store) -> None:
    path = put(store, X, CONTENT)
    os.utime(path, (1, 1))
    disk = CountedDisk()

    def fail(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    disk.readinto = fail  # type: ignore[method-assign]
    broken = Store(store.root, fs=disk)
    with pytest.raises(Unavailable, match=f"The cached file of test:x.root cannot be read: {path}"):
        broken.examine(INSTANCE, X)
    assert broken.verify(INSTANCE, X) is None


def test_a_file_that_is_written_to_while_it_is_read_is_neither_right_nor_removed(tmp_path: Path) -> None:
    path = put(Store(tmp_path), X, CONTENT)
    disk = CountedDisk()
    readinto = disk.readinto

    def written_meanwhile(fd: int, buffer: memoryview) -> int:
        os.utime(path, (1, 1))
        return int(readinto(fd, buffer))

    disk.readinto = written_meanwhile  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="it changed while it was read"):
        Store(tmp_path, fs=disk).examine(INSTANCE, X)
    assert path.exists()


def test_a_file_that_another_process_heals_meanwhile_is_not_removed(tmp_path: Path) -> None:
    flip(put(Store(tmp_path), X, CONTENT))
    disk = CountedDisk()
    readinto = disk.readinto

    def healed_meanwhile(fd: int, buffer: memoryview) -> int:
        if not (count := int(readinto(fd, buffer))):
            put(Store(tmp_path), X, CONTENT)
        return count

    disk.readinto = healed_meanwhile  # type: ignore[method-assign]
    assert Store(tmp_path, fs=disk).examine(INSTANCE, X) == Examined()
    assert Store(tmp_path).find(INSTANCE, X)


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT + b"!"])
def test_an_older_version_that_is_whole_is_left_alone(store: Store, content: bytes) -> None:
    path = put(store, X, CONTENT)
    newer = entry("x.root", content)
    assert not store.is_candidate(INSTANCE, newer)
    assert store.examine(INSTANCE, newer) == Examined()
    assert path.read_bytes() == CONTENT
    assert store.find(INSTANCE, X)


def test_a_record_of_other_content_does_not_condemn_a_file_that_is_right(store: Store) -> None:
    path = put(store, entry("x.root", b"older"), b"older")
    record = Path(f"{path.parent}.json").read_bytes()
    path = put(store, X, CONTENT)
    Path(f"{path.parent}.json").write_bytes(record)
    assert store.is_candidate(INSTANCE, X)
    assert store.examine(INSTANCE, X).stored
    assert store.find(INSTANCE, X)


def test_without_checksum_and_record_nothing_is_believed(store: Store) -> None:
    wanted = X._replace(adler32=None)
    path = put(store, wanted, CONTENT)
    Path(f"{path.parent}.json").unlink()
    assert not store.is_candidate(INSTANCE, wanted)
    assert "no checksum" in (store.examine(INSTANCE, wanted).problem or "")


def test_without_checksum_the_record_tells(store: Store) -> None:
    wanted = X._replace(adler32=None)
    os.utime(put(store, wanted, CONTENT), (1, 1))
    assert store.is_candidate(INSTANCE, wanted)
    assert store.examine(INSTANCE, wanted).stored
    swap(put(store, wanted, CONTENT))
    assert store.examine(INSTANCE, wanted).problem == "its bytes are not those that were verified"


def test_what_never_was_here_is_no_candidate_and_costs_two_calls(tmp_path: Path) -> None:
    disk = CountedDisk()
    store = Store(tmp_path, fs=disk)
    assert store.find(INSTANCE, X) is None
    assert not store.is_candidate(INSTANCE, X)
    assert disk.calls == ["open", "lstat"]


@pytest.mark.parametrize("lacking", ["nothing", "records", "all but objects"])
def test_a_restored_store_is_read_once(store: Store, tmp_path: Path, lacking: str) -> None:
    put(store, X, CONTENT)
    root = restore(store.root, tmp_path / "copy")
    if lacking == "records":
        for record in root.glob("objects/*/*.json"):
            record.unlink()
    elif lacking == "all but objects":
        for path in root.iterdir():
            if path.name != "objects":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    restored = Store(root)
    assert restored.find(INSTANCE, X) is None
    assert restored.is_candidate(INSTANCE, X)
    assert restored.examine(INSTANCE, X).stored
    assert restored.find(INSTANCE, X)
    assert Store(root).find(INSTANCE, X)


def test_records_without_objects_are_nothing(store: Store, tmp_path: Path) -> None:
    put(store, X, CONTENT)
    root = restore(store.root, tmp_path / "copy")
    shutil.rmtree(next(root.glob("objects/*/*/")))
    assert Store(root).find(INSTANCE, X) is None
    assert not Store(root).is_candidate(INSTANCE, X)
    assert Store(root).examine(INSTANCE, X) == Examined()


class TestReadOnly:
    """A store in which nothing can be written: what was read of it is remembered in the user's state folder."""

    @pytest.fixture
    def root(self, store: Store, tmp_path: Path) -> Path:
        put(store, X, CONTENT)
        return restore(store.root, tmp_path / "image")

    def open(self, root: Path, state: Path) -> Store:
        return Store(root, fs=ReadOnlyDisk(), state=state)

    def test_what_is_right_is_read_once(self, root: Path, tmp_path: Path) -> None:
        first = self.open(root, tmp_path / "state")
        assert first.find(INSTANCE, X) is None
        assert first.examine(INSTANCE, X).stored
        assert first.find(INSTANCE, X), "in the same run"
        first.remember()
        assert self.open(root, tmp_path / "state").find(INSTANCE, X), "in the next"
        assert self.open(root, tmp_path / "other").find(INSTANCE, X) is None

    def test_it_is_read_again_when_it_changed(self, root: Path, tmp_path: Path) -> None:
        store = self.open(root, tmp_path / "state")
        store.examine(INSTANCE, X)
        store.remember()
        os.utime(objects(root)[0], (1, 1))
        again = self.open(root, tmp_path / "state")
        assert again.find(INSTANCE, X) is None
        assert again.is_candidate(INSTANCE, X)

    def test_what_is_wrong_is_not_believed_although_its_record_is(self, store: Store, tmp_path: Path) -> None:
        flip_silently(put(store, X, CONTENT))
        readonly = self.open(store.root, tmp_path / "state")
        assert readonly.find(INSTANCE, X), "only a read can tell"
        examined = readonly.examine(INSTANCE, X)
        assert (examined.stored, examined.removed) == (None, False)
        readonly.remember()
        assert self.open(store.root, tmp_path / "state").find(INSTANCE, X) is None

    def test_stores_and_runs_are_kept_apart_and_together(self, root: Path, tmp_path: Path) -> None:
        other = entry("y", b"y")
        put(Store(root), other, b"y")
        for path in objects(root):
            os.utime(path, (1, 1))
        one, two = self.open(root, tmp_path / "state"), self.open(root, tmp_path / "state")
        one.examine(INSTANCE, X)
        two.examine(INSTANCE, other)
        one.remember()
        two.remember()
        last = self.open(root, tmp_path / "state")
        assert last.find(INSTANCE, X)
        assert last.find(INSTANCE, other)
        assert self.open(restore(root, tmp_path / "another"), tmp_path / "state").find(INSTANCE, X) is None

    @pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"\xff\n\tx\n1\t2"), os.remove])
    def test_a_damaged_memory_costs_a_read(self, root: Path, tmp_path: Path, damage: Damage) -> None:
        store = self.open(root, tmp_path / "state")
        store.examine(INSTANCE, X)
        store.remember()
        (memory,) = (tmp_path / "state" / "stores").iterdir()
        damage(memory)
        again = self.open(root, tmp_path / "state")
        assert again.find(INSTANCE, X) is None
        assert again.examine(INSTANCE, X).stored

    def test_a_state_folder_that_cannot_be_written_costs_the_next_run_a_read(self, root: Path, tmp_path: Path) -> None:
        (tmp_path / "state").write_text("a file")
        store = self.open(root, tmp_path / "state")
        assert store.examine(INSTANCE, X).stored
        store.remember()
        assert store.find(INSTANCE, X)

    def test_a_folder_of_links_that_cannot_be_made_is_none(self, root: Path, tmp_path: Path) -> None:
        store = self.open(root, tmp_path / "state")
        assert store.view(INSTANCE, X.did, [(X.did, str(objects(root)[0]))]) is None
