"""Locks that make a second sync wait instead of downloading the same bytes. Correctness never depends on them.

The lock is on the folder of the object, which must be created anyway. A thousand lock files would be a thousand more
files to create and remove; measured, that took longer than copying small files.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from nbrucio.store.fs import FileSystem
from nbrucio.store.layout import Place
from nbrucio.store.notices import Notices


class Lock:
    """A held lock; without a descriptor where locks do not work.

    Attributes:
        on_new_place: whether the object's folder is new, so that it cannot contain an object.
    """

    def __init__(self, fs: FileSystem, fd: int | None, *, on_new_place: bool = False) -> None:
        self.on_new_place = on_new_place
        self._fs = fs
        self._fd = fd

    def release(self) -> None:
        """Release the lock. Idempotent; never raises."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with suppress(OSError):
                self._fs.close(fd)


def try_lock(fs: FileSystem, place: Place, notices: Notices) -> Lock | None:
    """Lock the object at ``place`` without waiting; None when another writer holds it. Creates the object's folder."""
    is_new = _make(fs, place)
    try:
        fd = fs.open(place.folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return Lock(fs, None)  # the commit reports what is wrong
    try:
        if fs.try_lock(fd):
            return Lock(fs, fd, on_new_place=is_new)
    except OSError as error:
        fs.close(fd)
        if error.errno != errno.EBADF:  # NFS, which cannot lock folders: too common for a notice in each run
            notices.send(
                f"The file system of the cache refuses locks ({error.strerror}). "
                "Two syncs at the same time may download the same files twice."
            )
        return Lock(fs, None)
    fs.close(fd)
    return None


def _make(fs: FileSystem, place: Place) -> bool:
    """Create the object's folder; return whether it certainly is new."""
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
