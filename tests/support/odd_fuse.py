"""A FUSE file system that passes calls on to a folder, but refuses some of them.

Run as ``python -m tests.support.odd_fuse FOLDER MOUNT CALL=ERROR…``, such as ``symlink=EPERM``. It serves until it is
unmounted. Some names stand for answers instead: ``space`` (free space is reported as 0 of 0), ``seconds`` (times
without fractions), ``case`` (names of another case are the same file, as on exFAT) and ``quota=BYTES`` (so many fit
into all files, whatever the free space). Inode numbers are those that FUSE makes up.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import mfusepy

_STAT = ("st_atime", "st_ctime", "st_mtime", "st_mode", "st_nlink", "st_size", "st_uid", "st_gid")
_SPACE = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files", "f_frsize", "f_namemax")


class OddFileSystem(mfusepy.Operations):  # type: ignore[misc]
    """Serves ``root``; ``refused`` has the error number of each refused call, and the bytes of ``quota``."""

    def __init__(self, root: str, refused: Mapping[str, int]) -> None:
        self._root = root
        self._refused = refused
        self._quota = refused.get("quota")
        for call, code in refused.items():
            if hasattr(mfusepy.Operations, call):
                setattr(self, call, partial(_refuse, code))

    def _real(self, path: str) -> str:
        if "case" not in self._refused:
            return self._root + path
        real = self._root
        for name in path.strip("/").split("/"):
            present = os.listdir(real) if os.path.isdir(real) and not os.path.islink(real) else ()
            real = os.path.join(real, next((each for each in present if each.lower() == name.lower()), name))
        return real

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
        growth = offset + len(data) - os.fstat(fh).st_size
        if self._quota is not None and growth > 0 and self._used() + growth > self._quota:
            raise mfusepy.FuseOSError(errno.EDQUOT)
        return os.pwrite(fh, data, offset)

    def _used(self) -> int:
        return sum(
            os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(self._root) for name in names
        )

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:  # noqa: ARG002
        os.truncate(self._real(path), length)

    def release(self, path: str, fh: int) -> None:  # noqa: ARG002
        os.close(fh)

    def fsync(self, path: str, datasync: int, fh: int) -> None:  # noqa: ARG002
        os.fsync(fh)

    def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
        """Nothing is left to flush."""


def _refuse(code: int, *_: Any) -> None:
    raise mfusepy.FuseOSError(code)


def main() -> None:
    """Serve until the mount is gone."""
    root, mount, *refused = sys.argv[1:]
    parts = (each.partition("=") for each in refused)
    calls = {name: int(code) if code.isdigit() else getattr(errno, code, 0) for name, _, code in parts}
    mfusepy.FUSE(OddFileSystem(root, calls), mount, foreground=True, nothreads=True)


if __name__ == "__main__":
    main()
