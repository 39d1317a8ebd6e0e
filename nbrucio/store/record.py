"""Records: what the store knows of an object without reading it again."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from os import stat_result
from pathlib import Path
from typing import NamedTuple

from nbrucio.disk.read import stamp_of
from nbrucio.store.checksums import Sums
from nbrucio.store.layout import Place


class Stored(NamedTuple):
    """A verified file in the store. Checksums are lower-case hex digits; md5 only when the catalogue has no adler32.

    ``where`` is its path; ``stat`` is its size in bytes, modification time in ns and inode when it was found.
    """

    where: str
    size_bytes: int
    sha256: str
    adler32: str
    stat: tuple[int, int, int]
    md5: str | None = None

    @property
    def path(self) -> Path:
        """``where`` as a `Path`, which takes ten times the memory."""
        return Path(self.where)


class Usage(NamedTuple):
    """Number and bytes of the verified files in a store."""

    files: int
    size_bytes: int


def stored_at(place: Place, sums: Sums, found: os.stat_result) -> Stored:
    """Return the object at ``place`` with these sums and this stat."""
    return Stored(place.path, sums.size_bytes, sums.sha256, sums.adler32, stamp_of(found), sums.md5)


_VERSION = 1


class Record(NamedTuple):
    """The record beside an object: its instance and DID, its sums, and the inode that had them.

    Equal size, modification time and inode stand for equal bytes: a write changes the time, a replacement the inode.
    """

    instance: str
    scope: str
    name: str
    sums: Sums
    mtime_ns: int
    inode: int

    def to_bytes(self) -> bytes:
        """Return the record as one JSON object."""
        instance, scope, name, (size_bytes, adler32, sha256, md5), mtime_ns, inode = self
        sums = {"size_bytes": size_bytes, "adler32": adler32, "sha256": sha256, "md5": md5}
        value = {
            "version": _VERSION,
            "instance": instance,
            "scope": scope,
            "name": name,
            "sums": sums,
            "mtime_ns": mtime_ns,
            "inode": inode,
        }
        return json.dumps(value).encode()

    def describes(self, found: stat_result) -> bool:
        """Whether the file with this stat is the one that was summed."""
        return stamp_of(found) == (self.sums.size_bytes, self.mtime_ns, self.inode) and stat.S_ISREG(found.st_mode)


def parse_record(text: bytes) -> Record | None:
    """Parse a record; None for anything else, such as a file damaged by a power cut."""
    try:
        raw = json.loads(text)
        return _from_json(raw)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _from_json(raw: Mapping[str, object]) -> Record | None:
    sums = raw["sums"]
    if raw["version"] != _VERSION or not isinstance(sums, dict):
        return None
    md5 = None if sums["md5"] is None else _text(sums["md5"])
    return Record(
        instance=_text(raw["instance"]),
        scope=_text(raw["scope"]),
        name=_text(raw["name"]),
        sums=Sums(_number(sums["size_bytes"]), _text(sums["adler32"]), _text(sums["sha256"]), md5),
        mtime_ns=_number(raw["mtime_ns"]),
        inode=_number(raw["inode"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return value
