"""Locks on files of ours that several processes change."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Changes behind such a lock take milliseconds. Who holds it longer is stopped, or its machine is gone.
WAIT_S = 10.0


@contextmanager
def locked(path: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Keep others from changing ``path`` within the block. Where the file system refuses locks, go on without.

    Raises:
        OSError: another process holds the lock, and has for ``wait_s``.
    """
    from filelock import FileLock, Timeout  # it takes longer to load than most verbs have use for

    lock = FileLock(f"{path}.lock")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no flock it takes a file instead, and warns of it
        try:
            lock.acquire(timeout=wait_s)
        except Timeout as error:
            words = f"another process has locked {path}.lock for more than {wait_s:g} s"
            raise OSError(errno.ETIMEDOUT, words, os.fspath(path)) from error
        except OSError:  # ENOLCK, for one: without a lock two changes at once may lose one, refusing loses both
            pass
    try:
        yield
    finally:
        lock.release()
