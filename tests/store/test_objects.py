"""Finding, verifying and removing objects."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.store import Store, Usage
from tests.support.faulty_disk import INSTANCE, CountedDisk, entry, objects, partials, put

CONTENT = b"muons" * 1000


def test_a_new_store_touches_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "store")
    assert store.find(INSTANCE, entry("x", b"x")) is None
    assert store.verify(INSTANCE, entry("x", b"x")) is None
    assert store.remove(INSTANCE, Did("test", "x")) == 0
    assert store.free_bytes() > 0
    assert store.usage().files == 0
    assert list(tmp_path.iterdir()) == []


def test_what_was_put_is_found_with_its_checksums(store: Store) -> None:
    path = put(store, entry("x.root", CONTENT), CONTENT)
    found = store.find(INSTANCE, entry("x.root", CONTENT))
    assert found is not None
    assert (found.path, found.size_bytes, found.adler32) == (path, 5000, entry("x", CONTENT).adler32)
    assert path.read_bytes() == CONTENT
    assert path.name == "x.root"


def test_objects_are_read_only_in_a_private_folder_that_backups_leave_out(store: Store) -> None:
    path = put(store, entry("x", CONTENT), CONTENT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700
    assert (store.root / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")


def test_finding_reads_no_object_and_asks_for_one_stat(tmp_path: Path) -> None:
    put(Store(tmp_path), entry("x", CONTENT), CONTENT)
    disk = CountedDisk()
    assert Store(tmp_path, fs=disk).find(INSTANCE, entry("x", CONTENT))
    assert disk.calls == ["open", "read", "close", "lstat"]


@pytest.mark.parametrize("wanted", [entry("x", CONTENT + b"!"), entry("x", CONTENT)._replace(adler32="00000001")])
def test_an_object_that_the_catalogue_describes_otherwise_is_not_found(store: Store, wanted: object) -> None:
    put(store, entry("x", CONTENT), CONTENT)
    assert store.find(INSTANCE, wanted) is None  # type: ignore[arg-type]


def test_an_entry_of_unknown_size_and_checksum_is_found(store: Store) -> None:
    unknown = entry("x", CONTENT)._replace(size_bytes=None, adler32=None)
    put(store, unknown, CONTENT)
    assert store.find(INSTANCE, unknown)


def test_an_md5_that_was_never_computed_proves_nothing(store: Store) -> None:
    put(store, entry("x", CONTENT), CONTENT)
    wanted = entry("x", CONTENT)._replace(adler32=None, md5="0" * 32)
    assert store.find(INSTANCE, wanted) is None


@pytest.mark.parametrize("change", ["append", "same size", "replace", "truncate", "folder", "link"])
def test_a_changed_object_is_not_found(store: Store, tmp_path: Path, change: str) -> None:
    path = put(store, entry("x", CONTENT), CONTENT)
    path.chmod(0o600)
    if change == "append":
        path.write_bytes(CONTENT + b"!")
    elif change == "truncate":
        path.write_bytes(CONTENT[:-1])
    elif change == "same size":
        path.write_bytes(b"x" * len(CONTENT))
    else:
        path.unlink()
        if change == "replace":
            path.write_bytes(CONTENT)
        elif change == "folder":
            path.mkdir()
        else:
            path.symlink_to(tmp_path / "elsewhere")
    assert store.find(INSTANCE, entry("x", CONTENT)) is None


def test_a_flipped_byte_with_the_old_time_is_found_out_by_verify_and_removed(store: Store) -> None:
    path = put(store, entry("x", CONTENT), CONTENT)
    before = path.stat()
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.write(b"M")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.verify(INSTANCE, entry("x", CONTENT)) is None
    assert objects(store.root) == []
    assert partials(store.root) == []


def test_a_touched_object_is_believed_again_after_verify(store: Store) -> None:
    path = put(store, entry("x", CONTENT), CONTENT)
    os.utime(path, (1, 1))
    assert store.find(INSTANCE, entry("x", CONTENT)) is None
    assert store.verify(INSTANCE, entry("x", CONTENT))
    assert store.find(INSTANCE, entry("x", CONTENT))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 99}', b"\xff\x00"])
def test_a_damaged_record_is_no_record(store: Store, text: bytes) -> None:
    path = put(store, entry("x", CONTENT), CONTENT)
    record = Path(f"{path.parent}.json")
    record.write_bytes(text)
    assert store.find(INSTANCE, entry("x", CONTENT)) is None
    assert store.verify(INSTANCE, entry("x", CONTENT))
    assert store.find(INSTANCE, entry("x", CONTENT))


def test_removing_frees_the_bytes_and_leaves_nothing(store: Store) -> None:
    put(store, entry("x", CONTENT), CONTENT)
    assert store.usage().size_bytes == 5000
    assert store.remove(INSTANCE, Did("test", "x")) == 5000
    assert store.find(INSTANCE, entry("x", CONTENT)) is None
    assert store.usage() == Usage(0, 0)


def test_the_same_name_at_two_instances_or_scopes_is_two_objects(store: Store) -> None:
    paths = {put(store, entry("x", CONTENT, scope), CONTENT) for scope in ("one", "two")}
    assert len(paths) == 2
    assert store.find("other.example", entry("x", CONTENT, "one")) is None


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/abs", "..", "a/../..", "x" * 250, "é\u202e😀", "-rf", ".hidden", "a/"]
)
def test_no_name_leads_out_of_the_store(store: Store, name: str) -> None:
    path = put(store, entry(name, CONTENT), CONTENT)
    assert path.resolve().is_relative_to(store.root.resolve() / "objects")
    assert len(path.name) <= 120
    assert path.name[0] not in ".-"
