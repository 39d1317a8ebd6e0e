"""What the store tells of its files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from nbrucio.store.layout import Place
from nbrucio.store.record import Sums


class Stored(NamedTuple):
    """A verified file in the store; checksums are lower-case hex digits, md5 only when the catalogue asked for it.

    ``stat`` is the size, modification time in ns and inode that it was found with; None when it was not looked for.
    """

    path: Path
    size_bytes: int
    sha256: str
    adler32: str
    md5: str | None = None
    stat: tuple[int, int, int] | None = None


class Usage(NamedTuple):
    """What a store holds."""

    files: int
    size_bytes: int
    partial_bytes: int


def stored_at(place: Place, sums: Sums, stat: tuple[int, int, int] | None = None) -> Stored:
    """The object at ``place``, whose bytes have ``sums``; ``stat`` as in `Stored`."""
    return Stored(Path(place.path), sums.size_bytes, sums.sha256, sums.adler32, sums.md5, stat)
