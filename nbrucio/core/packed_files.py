"""Long file lists in little memory: the lines of a list as one text, and a file made of its line when it is read."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

from nbrucio.core.did import Did
from nbrucio.core.filelist import digest_of, line_of, parse_line
from nbrucio.core.files import FileEntry, total_bytes, unique_files

#: Shorter lists are tuples: 3 MB.
SHORT = 10_000


class PackedFiles(Sequence[FileEntry]):
    """The files of a list, sorted by DID. A million take 80 MB, as a tuple 400 MB; each reading makes new values.

    Args:
        text: the canonical lines of `nbrucio.core.filelist.list_lines` in UTF-8, each with a line feed.
        is_valid: whether these lines were made of files just now; otherwise each is checked.

    Attributes:
        text: the same.
        size_bytes: the sum of the sizes; None (unknown) if one of them is.

    Raises:
        ValueError: a line has another form.
        BadDid: a line's first part is not a DID.
    """

    def __init__(self, text: bytes, *, is_valid: bool = False) -> None:
        self.text = text
        self.size_bytes: int | None = 0
        groups: dict[str, array[int]] = {}
        start = 0
        while start < len(text):
            end = text.index(b"\n", start)
            entry = self._at(start) if is_valid else parse_line(text[start:end].decode("utf-8", "surrogatepass"))
            # Lines of one scope are beside each other, in the order of names; "a.b:" goes before "a:", though.
            groups.setdefault(entry.did.scope, array("Q")).append(start)
            size_bytes = entry.size_bytes
            self.size_bytes = None if self.size_bytes is None or size_bytes is None else self.size_bytes + size_bytes
            start = end + 1
        self._starts = array("Q")
        for scope in sorted(groups):
            self._starts.extend(groups.pop(scope))

    @property
    def digest(self) -> str:
        """The digest of the list; see `nbrucio.core.filelist.digest_of`."""
        return "sha256:" + hashlib.sha256(self.text).hexdigest()

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> FileEntry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[FileEntry, ...]: ...
    def __getitem__(self, index: int | slice) -> FileEntry | tuple[FileEntry, ...]:
        if isinstance(index, slice):
            return tuple(map(self._at, self._starts[index]))
        return self._at(self._starts[index])

    def __iter__(self) -> Iterator[FileEntry]:
        return map(self._at, self._starts)

    def _at(self, start: int) -> FileEntry:
        # Valid since `__init__`; checking the line again takes twice as long as this.
        line = self.text[start : self.text.index(b"\n", start)].decode("utf-8", "surrogatepass")
        did, size, checksum = line.split("\t")
        scope, _, name = did.partition(":")
        is_adler32 = len(checksum) == 8
        md5 = checksum if len(checksum) == 32 else None
        return FileEntry(Did(scope, name), None if size == "-" else int(size), checksum if is_adler32 else None, md5)


def bytes_of(files: Sequence[FileEntry]) -> int | None:
    """Return the sum of the sizes of ``files``; None (unknown) if one of them is."""
    return files.size_bytes if isinstance(files, PackedFiles) else total_bytes(entry.size_bytes for entry in files)


def digest_of_files(files: Sequence[FileEntry]) -> str:
    """Return `nbrucio.core.filelist.digest_of` of ``files``."""
    return files.digest if isinstance(files, PackedFiles) else digest_of(files)


def packed(entries: Iterable[FileEntry]) -> Sequence[FileEntry]:
    """Return ``entries`` sorted by DID, each file once, like `nbrucio.core.files.unique_files`; long lists packed.

    A packed list has one checksum of each file, as every saved list.
    """
    remaining = iter(entries)
    first = list(islice(remaining, SHORT + 1))
    if len(first) <= SHORT:
        return unique_files(first)
    lines = [_line(entry) for entry in first]
    first.clear()
    lines.extend(map(_line, remaining))
    lines.sort()
    text = bytearray()
    last = b""
    for line in lines:
        name = line[: line.index(b"\t") + 1]
        if name != last:
            text += line
            last = name
    lines.clear()
    return PackedFiles(bytes(text), is_valid=True)


def _line(entry: FileEntry) -> bytes:
    return line_of(entry).encode("utf-8", "surrogatepass") + b"\n"
