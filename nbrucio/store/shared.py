"""Stores of others that are read and never written: a group's cache, an image, a file system of software."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

from nbrucio.store.fs import FileSystem

_ROOT = 0
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class ReadOnlyFileSystem(FileSystem):
    """The real file system without the calls that change it, as on a disk that is mounted read-only."""

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        """Open a descriptor for reading."""
        if flags & _WRITING:
            _refuse()
        return super().open(path, flags, mode)

    def truncate(self, fd: int, size_bytes: int) -> None:  # noqa: ARG002 - here and below: refused whatever they are
        _refuse()

    def clone(self, target_fd: int, source_fd: int) -> None:  # noqa: ARG002
        _refuse()

    def fchmod(self, fd: int, mode: int) -> None:  # noqa: ARG002
        _refuse()

    def rename(self, source: str, target: str) -> None:  # noqa: ARG002
        _refuse()

    def unlink(self, path: str) -> None:  # noqa: ARG002
        _refuse()

    def mkdir(self, path: str, mode: int = 0o700) -> None:  # noqa: ARG002
        _refuse()

    def rmdir(self, path: str) -> None:  # noqa: ARG002
        _refuse()

    def symlink(self, target: str, path: str) -> None:  # noqa: ARG002
        _refuse()


def _refuse() -> NoReturn:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def is_trusted(root: Path) -> bool:
    """Whether the records of this store are believed: it belongs to this user or to the administrator.

    The files of another user's store are read once, and only then used.
    """
    try:
        return root.stat().st_uid in (_ROOT, os.geteuid())
    except OSError:
        return False
