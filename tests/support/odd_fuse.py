"""A FUSE file system that passes calls on to a folder, but refuses some of them.

Run as ``python -m tests.support.odd_fuse FOLDER MOUNT CALL=ERROR…``, such as ``symlink=EPERM``. It serves until it is
unmounted. Two names stand for answers instead: ``space`` (free space is reported as 0 of 0) and ``seconds`` (times
without fractions). Inode numbers are those that FUSE makes up.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import mfusepy

_STAT = ("st_atime", "st_ctime", "st_mtime", "st_mode", "st_nlink", "st_size", "st_uid", "st_gid")
_SPACE = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files", "f_frsize", "f_namemax")


class OddFileSystem(mfusepy.Operations):  # type: ignore[misc]
    """Serves ``root``; ``refused`` has the error number of each refused call."""

    def __init__(self, root: str, refused: Mapping[str, int]) -> None:
        self._root = root
        self._refused = refused

    def __call__(self, op: str, path: str, *args: Any) -> Any:
        """Perform the call ``op``, or refuse it."""
        if op in self._refused:
            raise mfusepy.FuseOSError(self._refused[op])
        return super().__call__(op, path, *args)

    def _real(self, path: str) -> str:
        return self._root + path

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:  # noqa: ARG002
        found = os.lstat(self._real(path))
        shown = {name: getattr(found, name) for name in _STAT}
        return shown | ({"st_mtime": float(int(found.st_mtime))} if "seconds" in self._refused else {})

    def readdir(self, path: str, fh: int) -> Iterator[str]:  # noqa: ARG002
        yield from (".", "..", *os.listdir(self._real(path)))

    def readlink(self, path: str) -> str:
        return os.readlink(self._real(path))

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self._real(path))
        return {name: 0 if "space" in self._refused else getattr(found, name) for name in _SPACE}

    def chmod(self, path: str, mode: int) -> None:
        os.chmod(self._real(path), mode)

    def chown(self, path: str, uid: int, gid: int) -> None:
        os.chown(self._real(path), uid, gid)

    def utimens(self, path: str, times: tuple[float, float] | None = None) -> None:
        os.utime(self._real(path), times)

    def mkdir(self, path: str, mode: int) -> None:
        os.mkdir(self._real(path), mode)

    def rmdir(self, path: str) -> None:
        os.rmdir(self._real(path))

    def unlink(self, path: str) -> None:
        os.unlink(self._real(path))

    def symlink(self, target: str, source: str) -> None:
        os.symlink(source, self._real(target))

    def link(self, target: str, source: str) -> None:
        os.link(self._real(source), self._real(target))

    def rename(self, old: str, new: str) -> None:
        if "rename_folder" in self._refused and os.path.isdir(self._real(old)):
            raise mfusepy.FuseOSError(self._refused["rename_folder"])
        os.rename(self._real(old), self._real(new))

    def open(self, path: str, flags: int) -> int:
        return os.open(self._real(path), flags & ~os.O_CREAT)

    def create(self, path: str, mode: int, fi: Any = None) -> int:  # noqa: ARG002
        return os.open(self._real(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:  # noqa: ARG002
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:  # noqa: ARG002
        return os.pwrite(fh, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:  # noqa: ARG002
        os.truncate(self._real(path), length)

    def release(self, path: str, fh: int) -> None:  # noqa: ARG002
        os.close(fh)

    def fsync(self, path: str, datasync: int, fh: int) -> None:  # noqa: ARG002
        os.fsync(fh)

    def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
        """Nothing is left to flush."""


def main() -> None:
    """Serve until the mount is gone."""
    root, mount, *refused = sys.argv[1:]
    parts = (each.partition("=") for each in refused)
    calls = {name: getattr(errno, code) if code else 0 for name, _, code in parts}
    mfusepy.FUSE(OddFileSystem(root, calls), mount, foreground=True, nothreads=True)


if __name__ == "__main__":
    main()
