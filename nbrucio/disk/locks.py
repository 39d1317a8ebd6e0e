"""Locks on files that several nbrucio processes change."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbrucio.disk.libraries import missing_library

#: Changes under such a lock take milliseconds. A process that holds it longer is stopped, or its machine is down.
WAIT_S = 10.0


@contextmanager
def locked(path: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Lock ``path`` by the file ``path.lock`` during the block. On file systems without locks the block runs unlocked.

    Args:
        wait_s: seconds to wait for another process.

    Raises:
        OSError: ``ETIMEDOUT``: another process has held the lock for ``wait_s`` seconds.
        MissingDependency: filelock is not installed.
    """
    try:
        from filelock import FileLock, Timeout  # it takes longer to load than most verbs have use for
    except ModuleNotFoundError as error:
        raise missing_library("filelock", f"Changing {path} needs filelock, which is not installed.") from error
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
