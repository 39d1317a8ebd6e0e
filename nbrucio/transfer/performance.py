"""The service that a run gets from each RSE: bytes per second of all files together, and whether it failed last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from nbrucio.core.hosts import MOUNTED, Performance, RseHost

#: Seconds of reading from which on a rate counts, however few bytes they brought: a slow RSE is known before it ends.
_LONG_S = 10.0


@dataclass
class _Count:
    """The attempts at one RSE.

    Attributes:
        running: attempts that run now.
        since_s: when the first of them began.
        busy_s: seconds in which at least one ran, without the present ones.
        size_bytes: bytes that arrived.
        failed: whether the last file failed; None before the first one ended.
    """

    running: int = 0
    since_s: float = 0.0
    busy_s: float = 0.0
    size_bytes: int = 0
    failed: bool | None = None


class Performances:
    """The performance of each RSE. Thread-safe.

    Args:
        least_bytes: fewer bytes measure round trips rather than a rate.
        clock: the time in seconds.
    """

    def __init__(self, least_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._least_bytes = least_bytes
        self._clock = clock
        self._guard = threading.Lock()
        self._counts: dict[RseHost, _Count] = {}

    def began(self, at: RseHost) -> None:
        """Record that an attempt begins there."""
        with self._guard:
            count = self._counts.setdefault(at, _Count())
            if not count.running:
                count.since_s = self._clock()
            count.running += 1

    def ended(self, at: RseHost, size_bytes: int) -> None:
        """Record that an attempt ended, in which ``size_bytes`` arrived."""
        with self._guard:
            count = self._counts[at]
            count.running -= 1
            count.size_bytes += size_bytes
            if not count.running:
                count.busy_s += self._clock() - count.since_s

    def delivered(self, at: RseHost) -> None:
        """Record that a file arrived whole."""
        self._counts[at].failed = False

    def failed(self, at: RseHost) -> None:
        """Record that a file could not be read, for a reason that other files there may meet as well."""
        self._counts[at].failed = True

    def found(self) -> dict[RseHost, Performance]:
        """Return the performance of the RSEs that were measured, or where a file ended; not of mounted ones."""
        with self._guard:
            rates = {at: self._rate(count) for at, count in self._counts.items() if at.host != MOUNTED}
            return {
                at: Performance(rate, bool(self._counts[at].failed))
                for at, rate in rates.items()
                if rate is not None or self._counts[at].failed is not None
            }

    def _rate(self, count: _Count) -> float | None:
        present_s = self._clock() - count.since_s if count.running else 0.0
        busy_s = count.busy_s + present_s
        is_measured = busy_s > 0 and (count.size_bytes >= self._least_bytes or busy_s >= _LONG_S)
        return count.size_bytes / busy_s if is_measured and count.size_bytes else None
