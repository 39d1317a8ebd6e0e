"""The command line whose n-th call on files below a folder fails, or ends the process.

Run as ``python -m tests.support.nth_call FOLDER N ACT REPORT -- WORDS…``. ACT is ``kill``, ``none``, or the name of an
error such as ``ENOSPC``. The number of calls, and the call that ACT met, are written to the file REPORT.

The calls are those that Python audits (opening, renaming, removing, making folders and links, changing modes, listing)
and those of `os` on descriptors (writing, flushing, truncating, locking), which are replaced here.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_AUDITED = {
    "open",
    "os.chmod",
    "os.link",
    "os.listdir",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.scandir",
    "os.symlink",
    "os.truncate",
    "os.utime",
}
_ON_DESCRIPTORS = ("write", "pwrite", "fsync", "ftruncate", "posix_fallocate", "read", "readv", "fchmod", "fstat")
_ON_PATHS = ("stat", "lstat", "readlink", "statvfs")


class Counter:
    """Counts the calls below ``folder``; the ``n``-th is killed or fails with ``code``.

    A call within another one (`open` is audited while `os.open` is counted) counts once, since both are the same call.
    """

    def __init__(self, folder: str, n: int, act: str, report: Path) -> None:
        self._folder = folder
        self._n = n
        self._act = act
        self._report = report
        self._guard = threading.Lock()
        self._count = 0
        self._met = ""
        self._writing = False

    def call(self, name: str, where: object) -> None:
        """Count a call on the path or descriptor ``where``."""
        path = self._path(where)
        if self._writing or path is None or not path.startswith(self._folder):
            return
        with self._guard:
            self._count += 1
            due = self._count == self._n
        if due:
            self._met = f"{name} {path[len(self._folder) :]}"
            self.save()
            if self._act == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            code = getattr(errno, self._act)
            raise OSError(code, os.strerror(code), path)

    def save(self) -> None:
        """Write the report."""
        self._writing = True
        self._report.write_text(f"{self._count}\n{self._met}\n")
        self._writing = False

    @staticmethod
    def _path(where: object) -> str | None:
        if isinstance(where, int):
            try:
                return os.readlink(f"/proc/self/fd/{where}")  # noqa: PTH115
            except OSError:
                return None
        if isinstance(where, (str, bytes, os.PathLike)):
            return os.path.abspath(os.fsdecode(where))  # noqa: PTH100
        return None

    def audit(self, event: str, args: tuple[object, ...]) -> None:
        """Be an audit hook."""
        if event in _AUDITED and args:
            self.call(event, args[0])

    def wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``call``, counted."""

        @functools.wraps(call)
        def counted(where: Any, *args: Any, **options: Any) -> Any:
            self.call(name, where)
            return call(where, *args, **options)

        return counted


def main() -> None:
    """Run the command line."""
    folder, n, act, report = sys.argv[1:5]
    words = sys.argv[sys.argv.index("--") + 1 :]
    from nbrucio_cli import main as nbrucio

    counter = Counter(folder, int(n), act, Path(report))
    os.readlink(f"/proc/self/fd/{sys.stdout.fileno()}")  # noqa: PTH115 - resolved before it is counted
    for name in _ON_DESCRIPTORS + _ON_PATHS[:2] + _ON_PATHS[3:]:
        setattr(os, name, counter.wrapped(name, getattr(os, name)))
    fcntl.flock = counter.wrapped("flock", fcntl.flock)
    sys.addaudithook(counter.audit)
    sys.argv = ["nbrucio", *words]
    try:
        nbrucio()
    finally:
        counter.save()


if __name__ == "__main__":
    main()
