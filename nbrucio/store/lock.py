"""Locks that let a second sync wait for the first instead of bringing the same bytes. Nothing relies on them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


class Lock:
    """A lock that is held; without a file behind it where the file system has no locks."""

    def __init__(self, path: str, held: FileLock | None) -> None:
        self._path = path
        self._held = held

    def release(self) -> None:
        """Let the next one have it. Idempotent; never raises."""
        held, self._held = self._held, None
        if held is None:
            return
        # The name goes while the lock is still held: whoever opened the old file meanwhile may then get a lock that
        # another process has too, which costs bandwidth once and is better than a file left for every object.
        with suppress(OSError):
            Path(self._path).unlink(missing_ok=True)
        with suppress(OSError):
            held.release()


def try_lock(path: str, *, really: bool) -> Lock | None:
    """The lock at ``path`` without waiting; None when another has it. ``really=False`` gives one that holds nothing."""
    if not really:
        return Lock(path, None)
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    except (OSError, NotImplementedError):
        return Lock(path, None)  # NFS without a lock server, a full or read-only disk: go on without
    return Lock(path, lock)
