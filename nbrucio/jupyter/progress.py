"""The progress of one sync, as few small events as a person can follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from nbrucio.events import ApplyStarted, BytesArrived, Event, FileFailed, FileFinished, Resolved

#: At most so often, however fast files arrive: each event goes to every browser tab.
INTERVAL_S = 0.25


@dataclass(frozen=True)
class Progress:
    """How far a sync is. Totals are None before they are known."""

    files_total: int | None = None
    files_done: int = 0
    bytes_total: int | None = None
    bytes_done: int = 0

    def as_json(self) -> dict[str, object]:
        """This progress as a JSON-ready mapping."""
        return dict(vars(self))


class Throttled:
    """A reporter that counts, and tells ``tell`` at most every `INTERVAL_S`. Called from several threads."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._told = float("-inf")
        self.progress = Progress()

    def report(self, event: Event) -> None:
        """Count ``event``."""
        with self._lock:
            now = self.progress
            if isinstance(event, ApplyStarted):
                now = Progress(event.files, 0, event.size_bytes, 0)
            elif isinstance(event, BytesArrived):
                now = Progress(now.files_total, now.files_done, now.bytes_total, now.bytes_done + event.count)
            elif isinstance(event, (FileFinished, FileFailed)):
                now = Progress(now.files_total, now.files_done + 1, now.bytes_total, now.bytes_done)
            elif not isinstance(event, Resolved):
                return
            self.progress = now
            moment = time.monotonic()
            if moment - self._told < INTERVAL_S:
                return
            self._told = moment
        self._tell(now)
