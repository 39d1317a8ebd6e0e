"""Locks: what a list is called, what is pinned, and how a change reads."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.did import Did, DidType
from nbrucio.core.filelist import digest_of, list_lines, parse_lines
from nbrucio.core.files import DidFacts, FileEntry, unique_files
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES, LockEntry, drift_words, lock_entry, same_content
from nbrucio.core.selection import Selection
from nbrucio.errors import BadDeclaration
from tests.support.strategies import dids

WHEN = "2026-11-23T10:00:00Z"

checksums = st.from_regex(r"[0-9a-f]{8}", fullmatch=True)
entries = st.builds(FileEntry, dids(), st.none() | st.integers(0, 2**60), st.none() | checksums, st.none())
file_lists = st.lists(entries, max_size=8).map(unique_files)


def entry(name: str, size_bytes: int = 1_000_000) -> FileEntry:
    return FileEntry(Did("sandbox", name), size_bytes, "0a0b0c0d")


def locked(files: list[FileEntry], *, is_open: bool = False, select: Selection | None = None) -> LockEntry:
    return lock_entry(DidFacts(Did("sandbox", "ds"), DidType.DATASET, is_open), select, files, WHEN)


def test_the_digest_is_the_documented_one() -> None:
    files = [entry("b"), FileEntry(Did("sandbox", "a"), None, None, "0" * 32)]
    text = f"sandbox:a\t-\t{'0' * 32}\nsandbox:b\t1000000\t0a0b0c0d\n"
    assert digest_of(files) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@given(file_lists)
def test_a_list_survives_being_written(files: tuple[FileEntry, ...]) -> None:
    assert parse_lines(list_lines(files)) == files


@given(file_lists, st.randoms())
def test_the_digest_does_not_depend_on_order(files: tuple[FileEntry, ...], random: object) -> None:
    shuffled = list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert digest_of(shuffled) == digest_of(files)


@given(file_lists, st.booleans())
def test_an_entry_survives_being_written(files: tuple[FileEntry, ...], is_open: bool) -> None:
    made = locked(list(files), is_open=is_open, select=Selection(first=100))
    assert LockEntry.parse(made.as_json()) == made


def test_lists_that_can_change_are_pinned_up_to_a_size() -> None:
    few, many = [entry(f"f{n}") for n in range(64)], [entry(f"f{n}") for n in range(INLINE_LIST_MAX_FILES + 1)]
    assert locked(few).pinned is None
    assert locked(few, is_open=True).pinned == tuple(few)
    assert locked(few, select=Selection(first=64)).pinned == tuple(few)
    assert locked(many, is_open=True).pinned is None


def test_drift_is_told_in_words() -> None:
    old = locked([entry("a"), entry("b")])
    assert drift_words(old, locked([entry("a"), entry("b")])) is None
    assert drift_words(old, locked([entry("a"), entry("b"), entry("c")])) == "gained 1 file, 1.0 MB since the lock"
    assert drift_words(old, locked([entry("a")])) == "lost 1 file, 1.0 MB since the lock"
    assert drift_words(old, locked([entry("a"), entry("c")])) == "other files or checksums, same number and size"


def test_the_time_of_a_lock_is_no_content() -> None:
    one = locked([entry("a")])
    assert same_content(one, LockEntry.parse(one.as_json() | {"locked": "1999-01-01T00:00:00Z"}))
    assert not same_content(one, locked([entry("b")]))


def test_keys_of_a_newer_version_are_kept() -> None:
    value = locked([entry("a")]).as_json() | {"blake3": "later"}
    assert LockEntry.parse(value).as_json() == value


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "sha256:../../etc"},
        {"digest": 5},
        {"files": "4"},
        {"type": "FOLDER"},
        {"did": "nocolon"},
        {"pinned": ["nothing"]},
        {"pinned": ["sandbox:a\tmany\t00000000"]},
    ],
)
def test_a_damaged_entry_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadDeclaration):
        LockEntry.parse(locked([entry("a")]).as_json() | change)
