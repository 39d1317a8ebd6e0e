"""How far a file has been sent, seen from outside: UploadClient and its protocols do not say.

Where the system shows positions of open files (Linux, ``/proc/self/fdinfo``, see proc(5)), the furthest of the source
and of what is written under UploadClient's temporary name counts. Elsewhere, and where a program of its own sends the
file, nothing is seen before its end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

INTERVAL_S = 0.25
_TEMPORARY = ".rucio.upload"  # UploadClient's suffix for a file that is not complete


class UploadProgress:
    """A context manager that tells ``tell`` how many bytes have been sent, from `begin` on.

    Args:
        path: the file that is sent.
        tell: called from a thread of its own, with a number that grows.
    """

    def __init__(self, path: Path, tell: Callable[[int], None]) -> None:
        self._path = str(path)
        self._tell = tell
        self._begun = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> UploadProgress:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def begin(self) -> None:
        """The file is sent from now on; until here it was only read, for its checksums."""
        self._begun = True

    def _look(self) -> None:
        told = 0
        while not self._stop.wait(INTERVAL_S):
            now = sent_bytes(self._path) if self._begun else None
            if now is not None and now > told:
                self._tell(now)
                told = now


def sent_bytes(path: str) -> int | None:
    """The furthest position; None while nothing is being written or the system does not show it."""
    source: int | None = None
    try:
        for entry in Path("/proc/self/fd").iterdir():
            target = _target(entry)
            if target.endswith(_TEMPORARY):
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
        return ""  # closed just now


def _position(handle: str) -> int:
    first = Path(f"/proc/self/fdinfo/{handle}").read_text(encoding="ascii").splitlines()[0]
    return int(first.partition(":")[2])
