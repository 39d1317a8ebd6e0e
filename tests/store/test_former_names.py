"""Objects that lie where nbrucio put them while a bare host was an instance's name."""

from __future__ import annotations

import os
from pathlib import Path

from nbrucio.core.files import FileEntry
from nbrucio.store import Store
from tests.support.faulty_disk import entry, objects, put

FORMER, NOW = "h.example", "h.example:8443/rucio#atl"
CONTENT = b"muons" * 1000
WANTED = entry("x.root", CONTENT)


def test_an_object_under_the_former_name_is_found_where_it_lies(store: Store) -> None:
    path = put(store, WANTED, CONTENT, FORMER)
    found, verified = store.find(NOW, WANTED), store.verify(NOW, WANTED)
    assert found is not None
    assert verified is not None
    assert (found.path, verified.path, store.where(NOW, WANTED.did)) == (path, path, path)
    assert objects(store.root) == [path]


def test_a_copied_object_under_the_former_name_is_read_and_used(store: Store) -> None:
    path = put(store, WANTED, CONTENT, FORMER)
    os.utime(path, (1, 1))
    assert store.find(NOW, WANTED) is None
    assert store.has_object(NOW, WANTED.did)
    assert store.verify(NOW, WANTED) is not None
    assert store.find(NOW, WANTED) is not None
    assert store.find(FORMER, WANTED) is not None


def test_another_instance_of_the_host_gets_its_own_object(store: Store) -> None:
    theirs = put(store, WANTED, CONTENT, FORMER)
    other = CONTENT[::-1]
    mine = entry("x.root", other)
    assert store.find(NOW, mine) is None
    assert store.verify(NOW, mine) is None
    assert theirs.exists()
    path = put(store, mine, other, NOW)
    found, still = store.find(NOW, mine), store.find(FORMER, WANTED)
    assert found is not None
    assert still is not None
    assert (found.path, still.path) == (path, theirs)


def test_what_has_no_record_under_the_former_name_is_never_removed(store: Store) -> None:
    path = put(store, WANTED, CONTENT, FORMER)
    Path(f"{path.parent}.json").unlink()
    assert store.verify(NOW, entry("x.root", b"other")) is None
    assert path.read_bytes() == CONTENT
    assert store.verify(NOW, WANTED) is not None


def test_without_a_checksum_nothing_under_the_former_name_counts(store: Store) -> None:
    put(store, WANTED, CONTENT, FORMER)
    unknown = FileEntry(WANTED.did, len(CONTENT))
    assert store.find(NOW, unknown) is None
    assert store.verify(NOW, unknown) is None
    assert store.find(FORMER, unknown) is not None


def test_nobody_else_reads_what_lies_under_a_full_identity(store: Store) -> None:
    put(store, WANTED, CONTENT, NOW)
    assert all(store.find(name, WANTED) is None for name in (FORMER, "h.example:8443", "h.example#atl"))


def test_instances_of_one_host_have_folders_of_links_of_their_own(store: Store) -> None:
    views = []
    for number, name in enumerate([FORMER, NOW, "h.example:8443", "h.example_8443"]):
        content = bytes([number])
        path = put(store, entry("x.root", content), content, name)
        views.append(store.view(name, entry("set", b"").did, [(WANTED.did, str(path))]))
    assert len(set(views)) == len(views)
    assert [(view / "x.root").read_bytes() for view in views] == [b"\0", b"\1", b"\2", b"\3"]
    assert views[1].parent.parent.name == "h.example_8443_rucio_atl"
