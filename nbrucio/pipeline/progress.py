"""The progress of one sync, in a limited number of events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from nbrucio.core.did import Did
from nbrucio.core.events import (
    ApplyStarted,
    BytesArrived,
    Event,
    FileFailed,
    FileFinished,
    FileStarted,
    Planned,
    Resolved,
)
from nbrucio.core.files import total_bytes
from nbrucio.core.plan import Access, Plan

#: The shortest time between events, because each one is sent to every browser tab.
INTERVAL_S = 0.25


@dataclass
class Share:
    """The progress of one requirement; data that was stored or mounted before counts as done. None: unknown size."""

    files_total: int = 0
    files_done: int = 0
    bytes_total: int | None = 0
    bytes_done: int = 0


@dataclass(frozen=True)
class Progress:
    """The progress of a sync. Totals are None before they are known.

    Attributes:
        files_total, files_done, bytes_total, bytes_done: of the downloads.
        handles: by handle, the progress of each requirement; empty before the plan is made.
    """

    files_total: int | None = None
    files_done: int = 0
    bytes_total: int | None = None
    bytes_done: int = 0
    handles: Mapping[str, Share] = field(default_factory=dict)

    def totals(self) -> dict[str, int | None]:
        """Return the download as a whole, as a JSON-ready mapping."""
        return {name: value for name, value in vars(self).items() if name != "handles"}

    def as_json(self) -> dict[str, object]:
        """This progress as a JSON-ready mapping."""
        return {**self.totals(), "handles": {handle: dict(vars(share)) for handle, share in self.handles.items()}}


class Throttled:
    """A reporter that counts and calls ``tell`` at most every `INTERVAL_S`. Thread-safe."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._told = float("-inf")
        self._totals: tuple[int | None, int | None] = (None, None)
        self._done = Share()
        self._shares: dict[str, Share] = {}
        self._owners: dict[Did, list[Share]] = {}
        self._unowned: dict[Did, Share] = {}  # downloads that started before the plan names their requirements

    @property
    def progress(self) -> Progress:
        """The present progress."""
        with self._lock:
            return self._snapshot()

    def report(self, event: Event) -> None:
        """Count ``event``."""
        with self._lock:
            if not self._count(event):
                return
            moment = time.monotonic()
            if moment - self._told < INTERVAL_S:
                return
            self._told = moment
            now = self._snapshot()
        self._tell(now)

    def _count(self, event: Event) -> bool:
        """Count ``event``; return whether the progress changed."""
        if isinstance(event, Planned):
            self._take(event.plan)
        elif isinstance(event, ApplyStarted):
            self._totals = (event.files, event.size_bytes)
        elif isinstance(event, FileStarted):
            self._add(event.did, 0, event.resumed_bytes)
        elif isinstance(event, BytesArrived):
            self._add(event.did, 0, event.count)
        elif isinstance(event, (FileFinished, FileFailed)):
            self._add(event.did, 1, 0)
        else:
            return isinstance(event, Resolved)
        return True

    def _take(self, plan: Plan) -> None:
        for requirement in plan.requirements:
            sizes = [file.entry.size_bytes for file in requirement.files]
            share = Share(files_total=len(sizes), bytes_total=total_bytes(sizes))
            for file in requirement.files:
                if file.access is Access.DOWNLOAD:
                    self._owners.setdefault(file.entry.did, []).append(share)
                elif file.access is not Access.MISSING:
                    share.files_done += 1
                    share.bytes_done += file.entry.size_bytes or 0
            self._shares[requirement.resolved.requirement.handle] = share
        for did, early in self._unowned.items():
            self._count_for(self._owners.get(did, ()), early.files_done, early.bytes_done)
        self._unowned.clear()

    def _add(self, did: Did, files: int, count: int) -> None:
        owners = self._owners.get(did) if self._shares else [self._unowned.setdefault(did, Share())]
        self._count_for((self._done, *(owners or ())), files, count)

    @staticmethod
    def _count_for(shares: Iterable[Share], files: int, count: int) -> None:
        for share in shares:
            share.files_done += files
            share.bytes_done += count

    def _snapshot(self) -> Progress:
        shares = {handle: Share(**vars(share)) for handle, share in self._shares.items()}
        return Progress(self._totals[0], self._done.files_done, self._totals[1], self._done.bytes_done, shares)
