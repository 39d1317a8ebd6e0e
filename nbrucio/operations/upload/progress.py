"""Measures the progress of an upload from open files, because UploadClient does not report it.

Linux shows the positions of open files (``/proc/self/fdinfo``, see proc(5)). The progress is the size of the file with
UploadClient's temporary suffix, else the position in the source. On other systems, and when a separate program sends
the file, there is no progress before the end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from nbrucio.disk.threads import DaemonThread

INTERVAL_S = 0.25
TEMPORARY_SUFFIX = ".rucio.upload"  # UploadClient's suffix for an incomplete file


class UploadProgress:
    """A context manager that reports the number of uploaded bytes, from `begin` on.

    Args:
        path: the file that is uploaded.
        report: called in a thread of its own, with a growing number.
    """

    def __init__(self, path: Path, report: Callable[[int], None]) -> None:
        self._path = str(path)
        self._report = report
        self._begun = False
        self._stop = threading.Event()
        self._thread = DaemonThread(self._watch)

    def __enter__(self) -> UploadProgress:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def begin(self) -> None:
        """Mark the start of the upload; earlier reads were for checksums."""
        self._begun = True

    def _watch(self) -> None:
        reported = 0
        while not self._stop.wait(INTERVAL_S):
            now = sent_bytes(self._path) if self._begun else None
            if now is not None and now > reported:
                self._report(now)
                reported = now


def sent_bytes(path: str) -> int | None:
    """Return the bytes sent so far; None before the upload, or when the system does not show them."""
    source: int | None = None
    try:
        for entry in Path("/proc/self/fd").iterdir():
            target = _target(entry)
            if target.endswith(TEMPORARY_SUFFIX):
                return Path(target).stat().st_size
            if target == path:
                source = _position(entry.name)
    except OSError:
        return None
    return source


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""  # closed meanwhile


def _position(handle: str) -> int:
    first = Path(f"/proc/self/fdinfo/{handle}").read_text(encoding="ascii").splitlines()[0]
    return int(first.partition(":")[2])
