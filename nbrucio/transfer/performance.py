"""The service that a run gets from each RSE: bytes per second of all files together, and whether it failed last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from nbrucio.core.hosts import MOUNTED, Performance, RseHost

#: Seconds of reading from which on a rate counts, however few bytes they brought: a slow RSE is known before it ends.
_LONG_S = 10.0


class Receiving(Protocol):
    """An attempt at a file."""

    @property
    def received_bytes(self) -> int:
        """Bytes that have arrived in it."""


@dataclass
class _Count:
    """The attempts at one RSE.

    Attributes:
        running: attempts that run now.
        since_s: when the first of them began.
        busy_s: seconds in which at least one ran, without the present ones.
        size_bytes: bytes that arrived in attempts that ended.
        seen_s, seen_bytes: seconds and bytes up to the last measurement of `pace`.
        pace: bytes per second between the last two; None before them.
        failed: whether the last file failed; None before the first one ended.
    """

    running: list[Receiving] = field(default_factory=list)
    since_s: float = 0.0
    busy_s: float = 0.0
    size_bytes: int = 0
    seen_s: float = 0.0
    seen_bytes: int = 0
    pace: float | None = None
    failed: bool | None = None

    def seconds(self, now: float) -> float:
        """Return the seconds in which at least one attempt ran."""
        return self.busy_s + (now - self.since_s if self.running else 0.0)

    def bytes(self) -> int:
        """Return the bytes that arrived until now."""
        return self.size_bytes + sum(attempt.received_bytes for attempt in self.running)


class Performances:
    """The performance of each RSE. Thread-safe.

    Args:
        least_bytes: fewer bytes measure round trips rather than a rate.
        clock: the time in seconds.
        pace_s: seconds of reading in which the present pace is measured.
    """

    def __init__(
        self, least_bytes: int, clock: Callable[[], float] = time.monotonic, *, pace_s: float = _LONG_S
    ) -> None:
        self._least_bytes = least_bytes
        self._clock = clock
        self.pace_s = pace_s
        self._guard = threading.Lock()
        self._counts: dict[RseHost, _Count] = {}
        self._tried: set[RseHost] = set()

    def began(self, at: RseHost, attempt: Receiving) -> None:
        """Record that an attempt begins there."""
        with self._guard:
            count = self._counts.setdefault(at, _Count())
            if not count.running:
                count.since_s = self._clock()
            count.running.append(attempt)

    def ended(self, at: RseHost, attempt: Receiving) -> None:
        """Record that an attempt ended."""
        with self._guard:
            count = self._counts[at]
            now = self._clock()
            seconds = count.seconds(now)
            count.running.remove(attempt)
            count.size_bytes += attempt.received_bytes
            if not count.running:
                count.busy_s = seconds

    def delivered(self, at: RseHost) -> None:
        """Record that a file arrived whole."""
        self._counts[at].failed = False

    def failed(self, at: RseHost) -> None:
        """Record that a file could not be read, for a reason that other files there may meet as well."""
        self._counts[at].failed = True

    def pace(self, at: RseHost, *, brief: bool = False) -> float | None:
        """Return the bytes per second that an RSE sends now, or sent last; None when that was not measured.

        Args:
            brief: whether what has ended is a measurement too, however short it was, where there is no other one.
        """
        with self._guard:
            count = self._counts.get(at)
            if count is None:
                return None
            now_s, now_bytes = count.seconds(self._clock()), count.bytes()
            span_s = now_s - count.seen_s
            if span_s >= self.pace_s:
                count.pace = (now_bytes - count.seen_bytes) / span_s
                count.seen_s, count.seen_bytes = now_s, now_bytes
            if count.pace is None and brief and count.size_bytes and span_s > 0:
                return now_bytes / span_s
            return count.pace

    def try_once(self, at: RseHost) -> bool:
        """Whether nobody has called this for ``at``: one file of a run tries an RSE that nothing is known of."""
        with self._guard:
            is_first = at not in self._tried
            self._tried.add(at)
            return is_first

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
        busy_s = count.seconds(self._clock())
        is_measured = busy_s > 0 and (count.size_bytes >= self._least_bytes or busy_s >= _LONG_S)
        return count.size_bytes / busy_s if is_measured and count.size_bytes else None
