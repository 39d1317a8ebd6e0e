"""What the store tells of its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from nbrucio.store.layout import Place
from nbrucio.store.record import Sums


class Stored(NamedTuple):
    """A verified file in the store; checksums are lower-case hex digits, md5 only when the catalogue asked for it.

    ``where`` is its path; ``stat`` is the size, modification time in ns and inode that it was found with.
    """

    where: str
    size_bytes: int
    sha256: str
    adler32: str
    stat: tuple[int, int, int]
    md5: str | None = None

    @property
    def path(self) -> Path:
        """``where`` as a path, which takes ten times the memory."""
        return Path(self.where)


class Usage(NamedTuple):
    """What a store holds."""

    files: int
    size_bytes: int
    partial_bytes: int


def stored_at(place: Place, sums: Sums, found: os.stat_result) -> Stored:
    """The object at ``place``, whose bytes have ``sums``, as it was ``found``."""
    stat = (found.st_size, found.st_mtime_ns, found.st_ino)
    return Stored(place.path, sums.size_bytes, sums.sha256, sums.adler32, stat, sums.md5)
