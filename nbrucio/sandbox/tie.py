"""Ends a process together with the one that started it."""

from __future__ import annotations

import os
import signal
import threading
import time

#: Linux can send a signal instead (PR_SET_PDEATHSIG), but only Linux, and already when the starting *thread* ends.
_POLL_S = 0.5


def end_with(parent: int) -> None:
    """Send SIGTERM to this process as soon as its parent is no longer the process ``parent``.

    Args:
        parent: number of the process that started this one, read there: it may have ended meanwhile.
    """
    threading.Thread(target=_watch, args=(parent,), name="end-with-parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
