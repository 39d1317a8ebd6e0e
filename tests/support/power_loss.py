"""What a power cut may leave of a folder: a log of the operations on it, replayed up to any of them.

The system promises only this: bytes written before a flush of their file, and names changed before a flush of their
folder, are there. Anything later may be there or not, in part, or as zeros.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from nbrucio.store import fs


class Op(NamedTuple):
    """One operation. ``path`` is relative to the folder; ``file`` is the number of a file's content."""

    kind: str
    path: str = ""
    file: int = -1
    target: str = ""
    offset: int = 0
    data: bytes = b""


#: Changes of names; all others are of contents, or flushes.
NAMES = {"create", "rename", "unlink", "mkdir", "rmdir", "symlink"}


class _Raw(io.RawIOBase):
    """A file whose bytes go through `os.write`, where the log sees them."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def write(self, data: Any) -> int:
        return os.write(self._fd, data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._fd)


class DiskLog:
    """Logs what this process does below ``root`` while `recording`."""

    def __init__(self, root: Path) -> None:
        self.ops: list[Op] = []
        self.numbers: dict[int, int] = {}
        """The number of each file by its inode."""
        self._root = f"{os.path.realpath(root)}/"
        self._guard = threading.RLock()
        self._count = 0
        self.initial = {
            str(path.relative_to(root)): self._number(path.lstat().st_ino)
            for path in root.rglob("*")
            if path.is_file() and not path.is_symlink()
        }

    def _number(self, inode: int, *, new: bool = False) -> int:
        if new or inode not in self.numbers:
            self._count += 1
            self.numbers[inode] = self._count
        return self.numbers[inode]

    def _inside(self, path: Any) -> str | None:
        if not isinstance(path, (str, os.PathLike)):
            return None
        text = os.path.abspath(os.fspath(path)) + "/"  # noqa: PTH100
        return text.removeprefix(self._root).rstrip("/") if text.startswith(self._root) else None

    def _file(self, fd: int) -> int | None:
        """The number of an open file below the folder, -1 for a folder, else None."""
        with suppress(OSError):
            if self._inside(os.readlink(f"/proc/self/fd/{fd}") + "/") is not None:  # noqa: PTH115
                found = os.fstat(fd)
                return -1 if stat.S_ISDIR(found.st_mode) else self._number(found.st_ino)
        return None

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Log during the block."""
        patches = [
            mock.patch.object(os, name, self._wrapped(getattr(os, name), log))
            for name, log in {
                "write": self._on_write,
                "pwrite": self._on_pwrite,
                "ftruncate": self._on_truncate,
                "fsync": self._on_fsync,
                "rename": self._on_rename,
                "replace": self._on_rename,
                "unlink": self._on_name("unlink"),
                "mkdir": self._on_name("mkdir"),
                "rmdir": self._on_name("rmdir"),
                "symlink": self._on_symlink,
            }.items()
        ]
        patches += [
            mock.patch.object(os, "open", self._opened(os.open)),
            mock.patch.object(os, "fdopen", self._fdopen(os.fdopen)),
            mock.patch.object(fs, "_syncfs", self._wrapped(fs._syncfs, lambda *_: self.ops.append(Op("sync")))),
            mock.patch.object(fs.FileSystem, "clone", _no_clone),
        ]
        for patch in patches:
            patch.start()
        try:
            yield
        finally:
            for patch in patches:
                patch.stop()

    def _wrapped(self, call: Callable[..., Any], log: Callable[..., object]) -> Callable[..., Any]:
        def logged(*args: Any, **options: Any) -> Any:
            with self._guard:
                done = call(*args, **options)
                log(*args, *([done] if call.__name__ == "write" else []))
            return done

        return logged

    def _opened(self, call: Callable[..., int]) -> Callable[..., int]:
        def opened(path: Any, flags: int, *args: Any, **options: Any) -> int:
            inside = self._inside(path)
            with self._guard:
                is_new = inside is not None and not os.path.lexists(path)
                fd = call(path, flags, *args, **options)
                if inside is not None and is_new:
                    self.ops.append(Op("create", inside, self._number(os.fstat(fd).st_ino, new=True)))
                elif inside is not None and flags & os.O_TRUNC:
                    self.ops.append(Op("truncate", file=self._number(os.fstat(fd).st_ino)))
            return fd

        return opened

    def _fdopen(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def fdopen(fd: int, mode: str = "r", *args: Any, **options: Any) -> Any:
            return io.BufferedWriter(_Raw(fd)) if mode == "wb" else call(fd, mode, *args, **options)

        return fdopen

    def _on_write(self, fd: int, data: Any, written: int) -> None:
        file = self._file(fd)
        if file is not None:
            at = os.lseek(fd, 0, os.SEEK_CUR) - written
            self.ops.append(Op("write", file=file, offset=at, data=bytes(data[:written])))

    def _on_pwrite(self, fd: int, data: Any, offset: int) -> None:
        file = self._file(fd)
        if file is not None:
            self.ops.append(Op("write", file=file, offset=offset, data=bytes(data)))

    def _on_truncate(self, fd: int, size: int) -> None:
        file = self._file(fd)
        if file is not None:
            self.ops.append(Op("truncate", file=file, offset=size))

    def _on_fsync(self, fd: int) -> None:
        file = self._file(fd)
        if file is not None:
            folder = os.readlink(f"/proc/self/fd/{fd}").removeprefix(self._root.rstrip("/")).lstrip("/")  # noqa: PTH115
            self.ops.append(Op("flush folder", folder) if file == -1 else Op("flush", file=file))

    def _on_rename(self, source: Any, target: Any) -> None:
        inside = self._inside(source)
        if inside is not None:
            self.ops.append(Op("rename", inside, target=self._inside(target) or ""))

    def _on_symlink(self, target: Any, path: Any) -> None:
        inside = self._inside(path)
        if inside is not None:
            self.ops.append(Op("symlink", inside, target=os.fspath(target)))

    def _on_name(self, kind: str) -> Callable[..., None]:
        def log(path: Any, *_: Any) -> None:
            inside = self._inside(path)
            if inside is not None:
                self.ops.append(Op(kind, inside))

        return log


def _no_clone(*_: object) -> None:
    raise OSError("the log does not know of shared blocks")


def after_power_cut(before: Path, log: DiskLog, count: int, seed: int, folder: Path) -> dict[int, Path]:
    """Make ``folder`` what a cut after the first ``count`` operations may leave of ``before``.

    Args:
        before: a copy of the folder when the log began.
        seed: chooses among the states that the system allows.

    Returns:
        The path of each file, by its number in the log.
    """
    chance, ops = random.Random(seed), log.ops[:count]
    shutil.copytree(before, folder, symlinks=True, dirs_exist_ok=True)
    names = dict(log.initial)
    contents = {number: (folder / name).read_bytes() for name, number in names.items()}
    in_order, cut = chance.random() < 0.5, chance.randint(0, len(ops))
    for at, op in enumerate(ops):
        kept = _is_flushed(op, ops[at + 1 :]) or (at < cut if in_order else chance.random() < 0.5)
        if op.kind in NAMES and kept:
            _rename_in(names, folder, op)
    for number in set(names.values()):
        changes = [(at, op) for at, op in enumerate(ops) if op.file == number and op.kind in ("write", "truncate")]
        own = [(op, _is_flushed(op, ops[at + 1 :])) for at, op in changes]
        contents[number] = _content(contents.get(number, b""), own, chance)
    found = {}
    for name, number in names.items():
        path = folder / name
        if path.parent.is_dir():
            path.write_bytes(contents[number])
            found[number] = path
    return found


def _is_flushed(op: Op, later: list[Op]) -> bool:
    """Whether an operation was flushed by one of those after it."""
    if op.kind == "create" and any(
        each.kind == "rename" and each.path == op.path and _is_flushed(each, later[at + 1 :])
        for at, each in enumerate(later)
    ):
        return True  # a name that lasts has its file
    if op.kind in NAMES:
        folder = (op.target if op.kind == "rename" else op.path).rpartition("/")[0]
        return any(each.kind == "sync" or (each.kind == "flush folder" and each.path == folder) for each in later)
    return any(each.kind == "sync" or (each.kind == "flush" and each.file == op.file) for each in later)


def _rename_in(names: dict[str, int], folder: Path, op: Op) -> None:
    """Change a name, if that is possible after what was lost."""
    with suppress(OSError):
        if op.kind == "create":
            names[op.path] = op.file
        elif op.kind == "mkdir":
            (folder / op.path).mkdir(parents=True)
        elif op.kind == "unlink":
            names.pop(op.path, None)
            (folder / op.path).unlink()
        elif op.kind == "rmdir":
            (folder / op.path).rmdir()
        elif op.kind == "symlink":
            (folder / op.path).symlink_to(op.target)
        elif op.path in names:
            names[op.target] = names.pop(op.path)
            (folder / op.path).unlink(missing_ok=True)
        elif (folder / op.path).is_dir():
            (folder / op.path).rename(folder / op.target)
            for name in [name for name in names if name.startswith(f"{op.path}/")]:
                names[op.target + name[len(op.path) :]] = names.pop(name)


def _content(content: bytes, ops: list[tuple[Op, bool]], chance: random.Random) -> bytes:
    """The bytes of a file: those that were flushed, and later ones as the seed wants."""
    data, fate = bytearray(content), chance.choice(["kept", "lost", "torn", "zeros"])
    for op, flushed in ops:
        if not flushed and fate == "lost":
            break
        if op.kind == "truncate":
            data[op.offset :] = b"\0" * max(0, op.offset - len(data))
        if op.kind == "write":
            new = op.data
            if not flushed and fate == "torn":
                new = new[: chance.randint(0, len(new))]
            if not flushed and fate == "zeros":
                new = b"\0" * len(new)
            data.extend(b"\0" * (op.offset - len(data)))
            data[op.offset : op.offset + len(new)] = new
        if not flushed and fate == "torn":
            break
    return bytes(data)
