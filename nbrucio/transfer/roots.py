"""Open files of mounted storage, but only below the configured folders.

Rucio's answer names the path, and a link or a folder in it may change at any time. So the check is on the opened file,
not on its name: the file is pinned without being read, the system reports its real path, and the pinned file is read.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from nbrucio.core.text import printable
from nbrucio.transfer.errors import OutsideRoots, PermanentError

#: Linux pins a file without opening it, so that a device is not touched and a FIFO does not block. macOS has no such
#: flag.
_PIN = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) | os.O_CLOEXEC
#: Folder to reopen a descriptor from. On Linux /dev/fd is a link to it, and slower.
_DESCRIPTORS = "/dev/fd" if sys.platform == "darwin" else "/proc/self/fd"


class Roots:
    """The folders below which file:// replicas of one instance may be read; without folders, none may."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(os.path.realpath(folder).rstrip("/") + "/" for folder in folders)

    def open(self, path: str) -> int:
        """Open the regular file at ``path`` for reading, after ``..`` and links are resolved; return a descriptor.

        Raises:
            OutsideRoots: it is not below one of the folders.
            PermanentError: it is not a regular file.
            OSError: it cannot be opened.
            ValueError: ``path`` contains NUL.
        """
        if not self._folders:
            raise OutsideRoots(f"{printable(path)} is not below a folder of file_roots, which is empty")
        pinned = os.open(path, _PIN)
        try:
            where = _path_of(pinned)
            if not where.startswith(self._folders):
                raise OutsideRoots(f"{printable(where)} is not below a folder of file_roots")
            if not stat.S_ISREG(os.fstat(pinned).st_mode):
                raise PermanentError("it is not a regular file")
            return os.open(f"{_DESCRIPTORS}/{pinned}", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(pinned)


def _path_of(fd: int) -> str:
    """Return the real path of the file behind ``fd``."""
    if sys.platform == "darwin":
        import fcntl

        return os.fsdecode(fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return os.readlink(f"{_DESCRIPTORS}/{fd}")  # noqa: PTH115 a Path takes three times as long
