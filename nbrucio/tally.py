"""Count what a run really brought, by listening to it."""

from __future__ import annotations

import threading

from nbrucio.did import Did
from nbrucio.events import BytesArrived, Event, FileStarted, Reporter


class Tally:
    """A reporter that counts and hands every event on.

    A file that another process brought meanwhile, or that a killed run left whole, is here without being brought.

    Args:
        listener: who hears every event after it was counted.
    """

    def __init__(self, listener: Reporter) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._started: set[Did] = set()
        self._bytes = 0

    def report(self, event: Event) -> None:
        """Count ``event`` and hand it on."""
        if isinstance(event, BytesArrived):
            with self._lock:
                self._bytes += event.count
        elif isinstance(event, FileStarted):
            with self._lock:
                self._started.add(event.did)
        self._listener.report(event)

    @property
    def size_bytes(self) -> int:
        """Bytes that arrived in this run; those that a retry threw away are not counted."""
        return max(0, self._bytes)

    def started(self, did: Did) -> bool:
        """Whether this run began to bring the file."""
        return did in self._started
