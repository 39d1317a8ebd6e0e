"""Threads on a machine that may have no memory left for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

#: Seconds within which a thread begins, even on a machine that is very busy.
_BEGINS_S = 10.0


class DaemonThread(threading.Thread):
    """A daemon thread that fails to start where `threading.Thread.start` may wait forever.

    Without memory the system can make a thread that Python then cannot run: it ends before its first line, and never
    reports that it began, for which ``start`` of the base class waits without a limit.
    """

    def __init__(self, target: Callable[..., object], name: str | None = None, args: Iterable[object] = ()) -> None:
        super().__init__(target=target, name=name, args=args, daemon=True)
        # `start` waits for this event in each Python so far; if another one does not, this changes nothing there.
        self._started = _Begun()

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: this machine gives no more threads, or no memory for this one.
        """
        super().start()
        if self.ident is None:
            raise RuntimeError("can't start new thread")


class _Begun(threading.Event):
    """An event that is not waited for forever."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(_BEGINS_S if timeout is None else timeout)
