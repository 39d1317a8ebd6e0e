"""The disk of a simulated machine: the functions of ``os`` that the product calls, on real files below one folder.

The files' times are those of the simulated clock. Nothing is flushed: power cuts are another suite.
"""

from __future__ import annotations

import errno
import io
import os
import re
import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

from nbrucio.state import status_cache
from nbrucio.store import fs
from tests.simulation.machine import Machine

_SCRATCH = re.compile(r"\d+\.[0-9a-f]{16}\.tmp|\.nbrucio-[^/]*\.tmp")
_LONG = re.compile(r"[0-9a-f]{32,}")
_WRITER = re.compile(r"\.0123456789abcdef\.\d+\.1\.\d+\.part")


class Disk:
    """The disk below ``root``. Calls of other threads, and elsewhere, are the real ones.

    Attributes:
        left_bytes: how much more can be written; None for any amount.
    """

    def __init__(self, machine: Machine, root: str) -> None:
        self._machine = machine
        self._root = os.path.realpath(root) + "/"
        self._name = os.fsencode(self._root[:-1])
        self._thread = threading.get_ident()
        self._labels: dict[str, str] = {}
        self._real: dict[str, Callable[..., Any]] = {}
        self.left_bytes: int | None = None
        self.was_full = False

    def patches(self) -> list[Any]:
        """Return what gives the product this disk."""
        ours: dict[str, Callable[..., Any]] = {
            "open": self._open,
            "fdopen": self._fdopen,
            "close": self._close,
            "write": self._write,
            "pwrite": self._pwrite,
            "fsync": self._flush,
            "utime": self._utime,
            "listdir": self._listdir,
            **{name: self._changing(name) for name in ("mkdir", "rmdir", "unlink", "chmod")},
            **{name: self._changing(name, names=2) for name in ("rename", "replace", "link")},
            "symlink": self._symlink,
        }
        self._real = {name: getattr(os, name) for name in ours}
        return [
            *(mock.patch.object(os, name, self._guarded(name, own)) for name, own in ours.items()),
            mock.patch.object(fs, "_syncfs", self._sync_all),
            mock.patch.object(fs.FileSystem, "try_lock", self._try_lock(fs.FileSystem.try_lock)),
            mock.patch.object(fs.FileSystem, "lstat", lambda _, path: changed_when_written(os.lstat(path))),
            mock.patch.object(status_cache, "_clock_ns", self._clock_ns),
        ]

    def touched(self, path: str) -> None:
        """Give a file, and the folder of a changed name, the present time."""
        now = self._machine.clock.wall_ns()
        self._real["utime"](path, ns=(now, now), follow_symlinks=False)

    def _guarded(self, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        real = self._real[name]

        def call(*args: Any, **options: Any) -> Any:
            simulated = threading.get_ident() == self._thread and self._machine.current is not None
            return (own if simulated else real)(*args, **options)

        return call

    def _inside(self, path: Any) -> str | None:
        if isinstance(path, int):
            return None
        text = os.fsdecode(path)
        return text if f"{text}/".startswith(self._root) else None

    def _label(self, path: str) -> str:
        return self._short(path[len(self._root) :])

    def _short(self, name: str) -> str:
        text = _SCRATCH.sub("scratch", _WRITER.sub(".part", name))
        return _LONG.sub(lambda match: self._labels.setdefault(match[0], f"#{len(self._labels)}"), text)

    def _changing(self, name: str, names: int = 1) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            paths = [path for path in map(self._inside, args[:names]) if path is not None]
            if not paths:
                return self._real[name](*args, **options)
            self._machine.call(f"{name} {' '.join(map(self._label, paths))}")
            done = self._real[name](*args, **options)
            for path in paths if name != "chmod" else ():
                self.touched(_folder(path))
            return done

        return call

    def _symlink(self, target: str, path: Any, *args: Any, **options: Any) -> None:
        inside = self._inside(path)
        if inside is not None:
            self._machine.call(f"symlink {self._label(inside)}")
        self._real["symlink"](target, path, *args, **options)
        if inside is not None:
            self.touched(_folder(inside))

    def _open(self, path: Any, flags: int, *args: Any, **options: Any) -> int:
        inside = self._inside(path)
        if inside is None:
            return self._real["open"](path, flags, *args, **options)
        writing = flags & (os.O_WRONLY | os.O_RDWR)
        self._machine.call(f"{'open' if writing else 'read'} {self._label(inside)}")
        is_new = flags & os.O_CREAT and not os.path.lexists(inside)
        descriptor = self._real["open"](path, flags, *args, **options)
        current = self._machine.current
        assert current is not None
        current.descriptors.add(descriptor)
        if is_new or flags & os.O_TRUNC:
            self.touched(inside)
        if is_new:
            self.touched(_folder(inside))
        return descriptor

    def _close(self, descriptor: int) -> None:
        self._forget(descriptor)
        self._real["close"](descriptor)

    def _forget(self, descriptor: int) -> None:
        for process in self._machine.running:
            process.descriptors.discard(descriptor)

    def _fdopen(self, descriptor: int, mode: str = "r", *args: Any, **options: Any) -> Any:
        self._forget(descriptor)
        if mode == "wb":
            return io.BufferedWriter(_Raw(self, descriptor))
        return self._real["fdopen"](descriptor, mode, *args, **options)

    def _is_ours(self, descriptor: int) -> bool:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith(self._root)  # noqa: PTH115

    def _write(self, descriptor: int, data: Any) -> int:
        if not self._is_ours(descriptor):
            return self._real["write"](descriptor, data)
        return self._written(descriptor, data, lambda part: self._real["write"](descriptor, part))

    def _pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        return self._written(descriptor, data, lambda part: self._real["pwrite"](descriptor, part, offset))

    def _written(self, descriptor: int, data: Any, write: Callable[[Any], int]) -> int:
        self._machine.call("write")
        if self.left_bytes is not None:
            data, self.left_bytes = self._fitting(bytes(data), self.left_bytes)
            if not data:
                self.was_full = True
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = write(data)
        now = self._machine.clock.wall_ns()
        self._real["utime"](descriptor, ns=(now, now))
        return done

    def _fitting(self, data: bytes, left_bytes: int) -> tuple[bytes, int]:
        """Return what of ``data`` fits, and how much fits after it. The root's own length counts as nothing: with the
        same seed, a disk must be full at the same call wherever the world is.
        """
        size_bytes = len(data) - data.count(self._name) * len(self._name)
        if size_bytes <= left_bytes:
            return data, left_bytes - size_bytes
        return data[:left_bytes], 0

    def write_all(self, descriptor: int, data: Any) -> int:
        """Write ``data``; a process that was killed writes nothing."""
        current = self._machine.current
        if current is None or not current.is_dead:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        return len(data)

    def close_real(self, descriptor: int) -> None:
        """Close a descriptor that a file object owned."""
        self._real["close"](descriptor)

    def _flush(self, _: int) -> None:
        self._machine.call("flush")

    def _sync_all(self, _: int) -> int:
        self._machine.call("flush all")
        return 0

    def _clock_ns(self, _: object) -> int:
        return self._machine.clock.wall_ns()

    def _utime(self, path: Any, *args: Any, **options: Any) -> None:
        if (not args and not options) or args == (None,):
            self._machine.call("touch")
            self.touched(path)
        else:
            self._real["utime"](path, *args, **options)

    def _listdir(self, path: Any = ".") -> list[Any]:
        # Not by name: a notebook's own files are named after its path.
        return sorted(self._real["listdir"](path), key=lambda name: self._short(os.fsdecode(name)))

    def _try_lock(self, real: Callable[..., bool]) -> Callable[..., bool]:
        def call(file_system: fs.FileSystem, descriptor: int) -> bool:
            self._machine.call("lock")
            if self._machine.locking == "absent":
                raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
            return self._machine.locking == "lying" or real(file_system, descriptor)

        return call


class _Raw(io.RawIOBase):
    """A file whose bytes go through `Disk`."""

    def __init__(self, disk: Disk, descriptor: int) -> None:
        self._disk = disk
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        return self._disk.write_all(self._descriptor, data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._disk.close_real(self._descriptor)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def changed_when_written(found: os.stat_result) -> os.stat_result:
    """Return ``found`` with its time of writing, which is simulated, as that of its last change, which is not."""
    times = {"st_atime_ns": found.st_atime_ns, "st_mtime_ns": found.st_mtime_ns, "st_ctime_ns": found.st_mtime_ns}
    times |= {"st_atime": found.st_atime, "st_mtime": found.st_mtime, "st_ctime": found.st_mtime}
    return os.stat_result((*found[:9], int(found.st_mtime)), times)
