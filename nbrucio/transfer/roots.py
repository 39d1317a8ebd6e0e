"""Open files of mounted storage, and only below the folders that the configuration names.

Rucio's answer says which path is read, and a link or a folder on the way may change at any time. So what was opened is
judged, not its name: the file is pinned without being read, the system tells where it is, and the pinned file is read.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from nbrucio.core.text import printable
from nbrucio.transfer.errors import OutsideRoots, PermanentError

#: Linux pins a file without opening it, so that no device notices and no FIFO waits. macOS has no such flag.
_PIN = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) | os.O_CLOEXEC
#: Where a descriptor is opened again. On Linux /dev/fd is a link to this folder, and takes longer.
_DESCRIPTORS = "/dev/fd" if sys.platform == "darwin" else "/proc/self/fd"


class Roots:
    """The folders of one instance below which file:// replicas may be read; none allows none."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(os.path.realpath(folder).rstrip("/") + "/" for folder in folders)

    def open(self, path: str) -> int:
        """A descriptor to read the regular file that ``path`` leads to, ``..`` and links resolved.

        Raises:
            OutsideRoots: it is not below one of the folders.
            PermanentError: it is not a regular file.
            OSError: it cannot be opened.
            ValueError: ``path`` holds a NUL.
        """
        if not self._folders:
            raise OutsideRoots(f"{printable(path)} is not below a folder of file_roots, which is empty")
        pinned = os.open(path, _PIN)
        try:
            where = _path_of(pinned)
            if not where.startswith(self._folders):
                raise OutsideRoots(f"{printable(where)} is not below a folder of file_roots")
            if not stat.S_ISREG(os.fstat(pinned).st_mode):
                raise PermanentError("not a regular file")
            return os.open(f"{_DESCRIPTORS}/{pinned}", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(pinned)


def _path_of(fd: int) -> str:
    """Where the file of ``fd`` is now, without links."""
    if sys.platform == "darwin":
        import fcntl

        return os.fsdecode(fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return os.readlink(f"{_DESCRIPTORS}/{fd}")  # noqa: PTH115 a Path takes three times as long
