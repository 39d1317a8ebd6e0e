"""Replicas of many files, most of them on disk."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.core.files import Replica
from nbrucio.errors import NoSpace
from nbrucio.pipeline import replica_spool
from nbrucio.pipeline.replica_spool import ReplicaSpool


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def key(number: int) -> tuple[str, Did]:
    return "x", Did("s", f"f{number}")


def replicas(number: int) -> tuple[Replica, ...]:
    return tuple(Replica(f"RSE{n}", f"root://host//päth/{number}/{n}", tape=n == 1) for n in range(number % 4))


@pytest.mark.parametrize("in_memory", [0, 3, 1000])
def test_what_is_told_comes_back(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_spool, "IN_MEMORY", in_memory)
    monkeypatch.setattr(replica_spool, "_BUFFER_BYTES", 200)
    book = ReplicaSpool()
    book.expect(key(n) for n in range(50))
    for n in range(49):
        book.add(key(n), replicas(n))
    assert {each: book[each] for each in book} == {key(n): replicas(n) for n in range(49)} | {key(49): ()}
    assert len(book) == 50
    assert key(50) not in book
    with pytest.raises(KeyError):
        book[key(50)]


def test_the_file_has_no_name_and_ends_with_the_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_spool, "IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gc.collect()  # other tests' files
    before = open_files()
    book = ReplicaSpool()
    book.add(key(3), replicas(3))
    assert book[key(3)] == replicas(3)
    assert list(tmp_path.iterdir()) == []
    assert open_files() == before + 1
    del book
    gc.collect()
    assert open_files() == before


def test_a_full_disk_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(replica_spool, "IN_MEMORY", 0)
    monkeypatch.setattr(replica_spool.os, "pwrite", full)
    book = ReplicaSpool()
    book.add(key(3), replicas(3))
    with pytest.raises(NoSpace, match="No space left"):
        book[key(3)]
