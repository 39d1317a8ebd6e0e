"""What was read of stores that cannot be written: a mounted image, a colleague's store, a read-only file system.

One file a store in the user's state folder: a line for each object with its key, the size, modification time and inode
that it had when it was read, and the sums of its bytes. It is consulted before the store's own record, because it is
only written where that record could not be. Losing it costs a read.
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

#: About a million objects; a larger file is not ours.
_MAX_BYTES = 1 << 28


class Read(NamedTuple):
    """What was read of one object.

    Attributes:
        stat: size, modification time in ns, inode.
        sums: of its bytes, whether they are the right ones or not.
    """

    stat: tuple[int, int, int]
    sums: Sums


class Remembered:
    """The memory of one store. Its methods may be called from several threads; none of them raises.

    Args:
        folder: the user's state folder; None keeps it for this run only.
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
        """What is remembered of the object with this key."""
        return self._all().get(key)

    def keep(self, key: str, read: Read) -> None:
        """Remember ``read``; `save` writes it down."""
        self._all()[key] = read
        self._new[key] = read

    def save(self) -> None:
        """Write down what is new, beside what other processes wrote meanwhile. Where that fails, it is read again."""
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
    """What the file at ``path`` says; nothing of lines that are damaged."""
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
