"""Tie the life of a process to that of the one that started it."""

from __future__ import annotations

import os
import signal
import threading
import time

#: Linux could send a signal instead (PR_SET_PDEATHSIG), but when the starting *thread* ends, and nowhere else.
_POLL_S = 0.5


def end_with(parent: int) -> None:
    """Have this process get SIGTERM as soon as its parent is no longer the process ``parent``.

    Args:
        parent: the process number of the one that started this one, taken there: it may be gone by now.
    """
    threading.Thread(target=_watch, args=(parent,), name="end-with-parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
