"""Locks on files that several nbrucio processes change, and file systems that never answer a request for a lock."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nbrucio.disk.libraries import missing_library
from nbrucio.disk.threads import DaemonThread

#: Changes under such a lock take milliseconds. A process that holds it longer is stopped, or its machine is down.
WAIT_S = 10.0
#: A request that does not wait for a lock is answered in milliseconds, or never: the lock server of an NFS is down.
_ANSWER_S = 5.0
#: By the number of a device, whether its file system answered the first request of this process.
_answered: dict[int, bool] = {}


def ask_for_lock(device: int, request: Callable[[], object]) -> object:
    """Return what ``request`` returns, which asks for a lock on ``device`` without waiting for its owner.

    The first request on a device is made in a thread of its own, so that one without an answer can be left there.

    Raises:
        OSError: ``ETIMEDOUT``: the file system does not answer.
        Exception: whatever ``request`` raises.
    """
    if _answered.get(device):
        return request()
    results, errors = list[object](), list[BaseException]()

    def run() -> None:
        try:
            results.append(request())
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)
        _answered[device] = True

    if device not in _answered:
        thread = DaemonThread(run, "nbrucio-lock")
        try:
            thread.start()
        except RuntimeError:  # no more threads
            return request()
        thread.join(_ANSWER_S)
        if errors:
            raise errors[0]
        if results:
            return results[0]
        _answered.setdefault(device, False)
    raise OSError(errno.ETIMEDOUT, "its lock server does not answer")


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
    # A file that stands for a lock by its existence would stay when its process is killed, for ever on another host.
    lock = FileLock(f"{path}.lock", thread_local=False, fallback_to_soft=False)
    try:
        try:
            ask_for_lock(path.parent.stat().st_dev, lambda: lock.acquire(blocking=False))
        except Timeout:
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
