"""What the store knows of an object without reading it again."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from os import stat_result
from typing import NamedTuple

from nbrucio.catalogue.base import FileEntry

_VERSION = 1


def wants_md5(entry: FileEntry) -> bool:
    """Whether md5 must be computed: only where the catalogue has nothing else, since it is slow and proves no more."""
    return entry.adler32 is None and entry.md5 is not None


class Sums(NamedTuple):
    """Length and checksums of a file's bytes, as lower-case hex digits; md5 only when it was asked for."""

    size_bytes: int
    adler32: str
    sha256: str
    md5: str | None = None

    def fault(self, entry: FileEntry) -> str | None:
        """In which way these bytes are not those of ``entry``; None when all that the catalogue knows is right."""
        if entry.size_bytes is not None and self.size_bytes != entry.size_bytes:
            return f"{self.size_bytes} bytes instead of {entry.size_bytes}"
        if entry.adler32 is not None and self.adler32 != entry.adler32:
            return f"adler32 {self.adler32} instead of {entry.adler32}"
        if entry.md5 is not None and self.md5 is not None and self.md5 != entry.md5:
            return f"md5 {self.md5} instead of {entry.md5}"
        return None

    def proves(self, entry: FileEntry) -> bool:
        """Whether nothing of ``entry`` is contradicted and its checksum, if it has one, was compared."""
        compared = entry.adler32 is not None or entry.md5 is None or self.md5 is not None
        return compared and self.fault(entry) is None


class Record(NamedTuple):
    """The record beside an object: whose it is, its sums, and the inode that had them.

    Equal size, modification time and inode stand for equal bytes: any write to the file changes the time, any
    replacement the inode.
    """

    instance: str
    scope: str
    name: str
    sums: Sums
    mtime_ns: int
    inode: int

    def to_bytes(self) -> bytes:
        """One JSON object."""
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
        return (
            found.st_size == self.sums.size_bytes
            and found.st_mtime_ns == self.mtime_ns
            and found.st_ino == self.inode
            and stat.S_ISREG(found.st_mode)
        )


def parse_record(text: bytes) -> Record | None:
    """The record that ``text`` writes; None for anything else, such as what a power cut left of one."""
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
