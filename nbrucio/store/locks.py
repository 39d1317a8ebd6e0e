"""Locks that let a second sync wait for the first instead of bringing the same bytes. Nothing relies on them.

What is locked is the folder that the object will be in, which has to be made anyway: a lock file for each of a thousand
objects would be a thousand files more to make and to remove, which measured took longer than copying small files.
"""

from __future__ import annotations

import os
from contextlib import suppress

from nbrucio.store.fs import FileSystem
from nbrucio.store.layout import Place


class Lock:
    """A lock that is held; nothing is behind it where locks do not work.

    Attributes:
        on_new_place: whether the object's folder was made just now, so that there can be no object in it.
    """

    def __init__(self, fs: FileSystem, fd: int | None, *, on_new_place: bool = False) -> None:
        self.on_new_place = on_new_place
        self._fs = fs
        self._fd = fd

    def release(self) -> None:
        """Let the next one have it. Idempotent; never raises."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with suppress(OSError):
                self._fs.close(fd)


def try_lock(fs: FileSystem, place: Place) -> Lock | None:
    """The lock of the object at ``place`` without waiting; None when another has it. Makes the object's folder."""
    is_new = _make(fs, place)
    try:
        fd = fs.open(place.folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return Lock(fs, None)  # something is in the way; the commit finds out
    try:
        if fs.try_lock(fd):
            return Lock(fs, fd, on_new_place=is_new)
    except OSError:
        # NFS locks no folders, some file systems nothing: go on without.
        fs.close(fd)
        return Lock(fs, None)
    fs.close(fd)
    return None


def _make(fs: FileSystem, place: Place) -> bool:
    """Make the object's folder; whether it is new."""
    try:
        fs.mkdir(place.folder)
    except FileNotFoundError:
        with suppress(OSError):
            fs.mkdir(place.shelf)
        with suppress(OSError):
            fs.mkdir(place.folder)
        return False
    except OSError:
        return False
    return True
