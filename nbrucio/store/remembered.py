"""Checksums read from stores that cannot be written: a mounted image, a colleague's store, a read-only file system.

The user's state folder has one file per store, with one line per object: its key, the size, modification time and inode
when it was read, and its sums. It takes precedence over the store's own record, because it is written only when that
record could not be. Losing it costs one read.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import NamedTuple

from nbrucio.disk.atomic import write_pieces
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import read_file
from nbrucio.store.checksums import Sums

#: About a million objects; nbrucio does not write a larger file.
_MAX_BYTES = 1 << 28


class Read(NamedTuple):
    """The result of reading one object.

    Attributes:
        stat: size in bytes, modification time in ns, inode.
        sums: sums of its bytes, correct or not.
    """

    stat: tuple[int, int, int]
    sums: Sums


class Remembered:
    """The remembered sums of one store. Methods are thread-safe and never raise.

    Args:
        folder: the user's state folder; None remembers for this run only.
        root: the store's folder.
    """

    def __init__(self, folder: Path | None, root: str) -> None:
        self._root = os.path.realpath(root)
        name = hashlib.sha256(os.fsencode(self._root)).hexdigest()
        self._path = None if folder is None else folder / "stores" / name
        self._guard = threading.Lock()
        self._found: dict[str, Read] | None = None
        self._new: dict[str, Read] = {}

    def get(self, key: str) -> Read | None:
        """Return the remembered read of the object with this key; None when there is none."""
        return self._all().get(key)

    def add(self, key: str, read: Read) -> None:
        """Remember ``read`` in memory; `save` writes it."""
        self._all()[key] = read
        self._new[key] = read

    def save(self) -> None:
        """Write new entries and preserve those of other processes.

        After a failure the objects are read again next time.
        """
        if not self._new or self._path is None:
            return
        with self._guard:
            found = {**_parsed(self._path), **self._new}
            head = f"nbrucio-store-read 1 {self._root}\n"
            lines = (_line(key, read).encode() for key, read in sorted(found.items()))
            try:
                make_private_folder(self._path.parent)
                write_pieces(self._path, (head.encode("utf-8", "surrogateescape"), *lines))
            except OSError:
                return
            self._new.clear()

    def _all(self) -> dict[str, Read]:
        with self._guard:
            if self._found is None:
                self._found = {} if self._path is None else _parsed(self._path)
            return self._found


def _line(key: str, read: Read) -> str:
    size_bytes, mtime_ns, inode = read.stat
    return f"{key}\t{size_bytes}\t{mtime_ns}\t{inode}\t{read.sums.adler32}\t{read.sums.sha256}\t{read.sums.md5 or ''}\n"


def _parsed(path: Path) -> dict[str, Read]:
    """Return the entries of the file at ``path`` without damaged lines."""
    found = {}
    for line in _text(path).splitlines()[1:]:
        try:
            key, size, mtime, inode, adler32, sha256, md5 = line.split("\t")
            then = int(size), int(mtime), int(inode)
        except ValueError:
            continue
        found[key] = Read(then, Sums(then[0], adler32, sha256, md5 or None))
    return found


def _text(path: Path) -> str:
    try:
        return read_file(path, _MAX_BYTES, follow=False).decode("ascii", "replace")
    except OSError:
        return ""
