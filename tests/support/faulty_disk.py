"""Disks that fail on demand, and files to bring."""

from __future__ import annotations

import errno
import inspect
import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, Replica
from nbrucio.store import Store
from nbrucio.store.fs import FileSystem
from nbrucio.transfer.types import StorageAccess, Task

INSTANCE = "rucio.example"
#: Any file of this machine may be a replica.
LOCAL = {INSTANCE: StorageAccess(file_roots=(Path("/"),))}


class CountedDisk(FileSystem):
    """The real file system; before its n-th call, ``act`` is called with the method's name, and may raise."""

    def __init__(self, at: int | None = None, act: Callable[[str], None] = print) -> None:
        self.calls: list[str] = []
        self._guard = threading.Lock()
        for name, method in inspect.getmembers(FileSystem, inspect.isfunction):
            if not name.startswith("_"):
                setattr(self, name, self._counted(name, method, at, act))

    def _counted(
        self, name: str, method: Callable[..., Any], at: int | None, act: Callable[[str], None]
    ) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            with self._guard:
                self.calls.append(name)
                due = len(self.calls) == at
            if due and name == "close":
                method(self, *args)  # a close that reports an error has closed the descriptor all the same
            if due:
                act(name)
            return method(self, *args)

        return call


def failing(code: int) -> Callable[[str], None]:
    """An act for `CountedDisk` that fails with this errno."""

    def fail(name: str) -> None:
        raise OSError(code, os.strerror(code), name)

    return fail


NO_SPACE = failing(errno.ENOSPC)


def entry(name: str, content: bytes, scope: str = "test") -> FileEntry:
    """How the catalogue describes ``content``."""
    return FileEntry(Did(scope, name), len(content), f"{zlib.adler32(content):08x}")


def file_task(folder: Path, name: str, content: bytes) -> Task:
    """A task whose one replica is a file in ``folder``."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return Task(INSTANCE, entry(name, content), (Replica("DISK", f"file://localhost{path}"),))


def put(store: Store, wanted: FileEntry, content: bytes, instance: str = INSTANCE) -> Path:
    """Bring ``content`` into ``store`` without any transfer."""
    from nbrucio.store.session import Arrival

    session = store.session()
    partial = session.begin(instance, wanted, lambda: None)
    partial.write(content)
    (committed,) = session.commit([Arrival(instance, wanted, partial)])
    assert committed.stored is not None, committed.error
    return committed.stored.path


def objects(root: Path) -> list[Path]:
    """Every file under a final name."""
    return [path for path in sorted((root / "objects").glob("??/*/*")) if path.is_file()]


def partials(root: Path) -> list[Path]:
    """Everything among the partial files."""
    return sorted((root / "partial").iterdir()) if (root / "partial").exists() else []
