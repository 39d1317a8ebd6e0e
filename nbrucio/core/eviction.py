"""Choose cached files to remove: first those that no notebook needs, then the least recently used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import NamedTuple


class CachedFile(NamedTuple):
    """One file in the store.

    Attributes:
        key: 64 hex digits that identify it, see `nbrucio.store.names.object_key`.
        size_bytes: its size.
        stored_s: when it was stored, in seconds since 1970.
    """

    key: str
    size_bytes: int
    stored_s: float


class FileUse(NamedTuple):
    """The use of a file by notebooks.

    Attributes:
        last_s: when one of them was last synced, in seconds since 1970.
        protected: whether one of them is pinned, or was synced recently.
    """

    last_s: float
    protected: bool

    def merge(self, other: FileUse) -> FileUse:
        """Return the use by the notebooks of both."""
        return FileUse(max(self.last_s, other.last_s), self.protected or other.protected)


def unneeded(files: Iterable[CachedFile], uses: Mapping[str, FileUse]) -> list[CachedFile]:
    """Return the files that no notebook needs, the oldest first."""
    found = [file for file in files if file.key not in uses]
    return sorted(found, key=lambda file: (file.stored_s, file.key))


def evictable(files: Iterable[CachedFile], uses: Mapping[str, FileUse]) -> list[CachedFile]:
    """Return the files that may be removed, in the order of their removal."""
    files = tuple(files)
    used = [file for file in files if file.key in uses and not uses[file.key].protected]
    return unneeded(files, uses) + sorted(used, key=lambda file: (uses[file.key].last_s, file.key))


def first(files: Iterable[CachedFile], size_bytes: int) -> list[CachedFile]:
    """Return the first of ``files`` that together have at least ``size_bytes``, or all of them if they have less."""
    freed_bytes = 0

    def counted(file: CachedFile) -> bool:
        nonlocal freed_bytes
        needed = freed_bytes < size_bytes
        freed_bytes += file.size_bytes
        return needed

    return list(takewhile(counted, files))
