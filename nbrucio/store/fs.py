"""The boundary to the disk: every file-system call of the store is a method of `FileSystem`.

This class shows everything that the store asks of a disk, and lets a test fail the n-th call or kill the process there.
Paths are `str`, because the store builds thousands of them and `pathlib` costs more than the calls themselves.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress

from nbrucio.disk.locks import ask_for_lock

#: ``FICLONE`` of linux/fs.h: share the blocks of another file, copy on write.
_FICLONE = 0x40049409


class FileSystem:
    """The real file system. Every method raises `OSError` like the `os` function it calls."""

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        """Open a descriptor that child processes do not inherit."""
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def close(self, fd: int) -> None:
        os.close(fd)

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> None:
        """Write all of ``data``."""
        written = os.write(fd, data)
        while written < len(data):
            data = memoryview(data)[written:]
            written = os.write(fd, data)

    def read(self, fd: int, size_bytes: int) -> bytes:
        """Read once, at most ``size_bytes``."""
        return os.read(fd, size_bytes)

    def readinto(self, fd: int, buffer: memoryview) -> int:
        """Read into ``buffer``; return the number of bytes, 0 at the end of the file."""
        return os.readv(fd, [buffer])

    def seek(self, fd: int, offset: int) -> None:
        os.lseek(fd, offset, os.SEEK_SET)

    def truncate(self, fd: int, size_bytes: int) -> None:
        os.ftruncate(fd, size_bytes)

    def clone(self, target_fd: int, source_fd: int) -> None:
        """Make ``target_fd`` share the blocks of ``source_fd``; raises `OSError` where the file system cannot."""
        flags = fcntl.fcntl(target_fd, fcntl.F_GETFL)
        fcntl.fcntl(target_fd, fcntl.F_SETFL, flags & ~os.O_APPEND)  # Linux clones into no file opened to append
        try:
            fcntl.ioctl(target_fd, _FICLONE, source_fd)
        finally:
            fcntl.fcntl(target_fd, fcntl.F_SETFL, flags)

    def try_lock(self, fd: int) -> bool:
        """Lock an open file or folder exclusively; False when another descriptor holds the lock.

        Raises ``ETIMEDOUT`` where the file system does not answer.
        """
        try:
            ask_for_lock(os.fstat(fd).st_dev, lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def sync_all(self, fd: int) -> None:
        """Flush the whole file system of ``fd``; raises `OSError` with ``ENOSYS`` where the call does not exist."""
        code = _syncfs(fd)
        if code:
            raise OSError(code, os.strerror(code))

    def fchmod(self, fd: int, mode: int) -> None:
        os.fchmod(fd, mode)

    def fstat(self, fd: int) -> os.stat_result:
        return os.fstat(fd)

    def lstat(self, path: str) -> os.stat_result:
        return os.lstat(path)

    def rename(self, source: str, target: str) -> None:
        os.rename(source, target)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def mkdir(self, path: str, mode: int = 0o700) -> None:
        os.mkdir(path, mode)

    def rmdir(self, path: str) -> None:
        os.rmdir(path)

    def symlink(self, target: str, path: str) -> None:
        os.symlink(target, path)

    def readlink(self, path: str) -> str:
        return os.readlink(path)

    def listdir(self, path: str) -> list[str]:
        return os.listdir(path)

    def statvfs(self, path: str) -> os.statvfs_result:
        return os.statvfs(path)


def _syncfs(fd: int) -> int:
    """Flush the file system of ``fd``; return 0 or an error number."""
    import ctypes  # only writers need it

    # Python has no os.syncfs. Linux has had the call since 2.6.39; macOS lacks it.
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        return errno.ENOSYS
    return ctypes.get_errno() if call(fd) else 0


#: The instance that every store uses unless a test passes another.
REAL = FileSystem()


def clear_folder(fs: FileSystem, folder: str) -> None:
    """Remove a folder of files or links, if it exists. Another process may do the same at the same time."""
    try:
        names = fs.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        with suppress(FileNotFoundError):
            fs.unlink(f"{folder}/{name}")
    with suppress(FileNotFoundError):
        fs.rmdir(folder)


def write_new(fs: FileSystem, path: str, data: bytes) -> bool:
    """Create ``path`` with ``data``; False when it exists. A concurrent reader may see part of the data."""
    try:
        fd = fs.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return False
    try:
        try:
            fs.write(fd, data)
        finally:
            fs.close(fd)
    except BaseException:
        with suppress(OSError):
            fs.unlink(path)
        raise
    return True


def write_whole(fs: FileSystem, path: str, scratch: str, data: bytes) -> None:
    """Replace ``path`` by ``data`` with a rename. Not flushed: a power cut may leave the old content, or none."""
    fd = fs.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        try:
            fs.write(fd, data)
        finally:
            fs.close(fd)
        fs.rename(scratch, path)
    except BaseException:
        with suppress(OSError):
            fs.unlink(scratch)
        raise
