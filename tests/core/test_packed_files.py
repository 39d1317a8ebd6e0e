"""Packed lists: the same files, order, sums and digest as a tuple of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core import packed_files
from nbrucio.core.did import Did
from nbrucio.core.filelist import digest_of
from nbrucio.core.files import FileEntry, total_bytes, unique_files
from nbrucio.core.packed_files import PackedFiles, packed
from nbrucio.errors import BadDid

#: Scopes and names that are parts of each other, with characters before and after ':'.
_DIDS = st.builds(
    Did, st.sampled_from(["a", "a.b", "a-b", "a0", "aa", "b"]), st.text("x.:é𝄞/0", min_size=1, max_size=3)
)
_SUMS = st.sampled_from([{"adler32": "0a0b0c0d"}, {"md5": "0a" * 16}, {}])
_ENTRIES = st.builds(
    lambda did, size, sums: FileEntry(did, size, **sums), _DIDS, st.none() | st.integers(0, 10**12), _SUMS
)


@given(st.lists(_ENTRIES, unique_by=lambda entry: entry.did))
def test_a_packed_list_is_the_list(entries: list[FileEntry]) -> None:
    files = unique_files(entries)
    found = packed([*entries, *entries]) if len(entries) < 2 else _packed([*entries, *entries[::2]])
    assert tuple(found) == files
    assert [found[index] for index in range(len(found))] == list(files)
    assert found[1:3] == files[1:3]
    assert len(found) == len(files)
    if isinstance(found, PackedFiles):
        assert found.digest == digest_of(files)
        assert found.size_bytes == total_bytes(entry.size_bytes for entry in files)
        assert tuple(PackedFiles(found.text)) == files


def _packed(entries: list[FileEntry]) -> PackedFiles:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_files, "SHORT", 1)
        found = packed(entries)
    assert isinstance(found, PackedFiles)
    return found


def test_a_short_list_is_a_tuple() -> None:
    assert packed([FileEntry(Did("s", "a"), 1)]) == (FileEntry(Did("s", "a"), 1),)


@pytest.mark.parametrize("line", ["no-scope\t1\t-", "s:a\tx\t-", "s:a\t1\tabc", "s:a"])
def test_a_malformed_line_is_refused(line: str) -> None:
    with pytest.raises((ValueError, BadDid)):
        PackedFiles(f"{line}\n".encode())


def test_a_text_without_its_last_line_feed_is_refused() -> None:
    with pytest.raises(ValueError, match="not found"):
        PackedFiles(b"s:a\t1\t-")
