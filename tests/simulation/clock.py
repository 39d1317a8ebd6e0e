"""The clock of a simulated machine: it advances only when the simulation says so."""

from __future__ import annotations

import datetime as real_datetime
import time as real_time
from typing import Any

#: 2030-01-01, so that a time of the real clock is noticed.
_START_NS = 1_893_456_000 * 10**9
_TICK_NS = 1_000


class Clock:
    """Wall clock and monotonic clock. Every read of one advances both, so that no two moments are equal."""

    def __init__(self) -> None:
        self._passed_ns = 0
        self._jumped_ns = 0

    def tick(self) -> None:
        """Advance by a microsecond."""
        self._passed_ns += _TICK_NS

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self._passed_ns += max(_TICK_NS, int(seconds * 10**9))

    def jump(self, seconds: int) -> None:
        """Set the wall clock forward, or back."""
        self._jumped_ns += seconds * 10**9

    def wall_ns(self) -> int:
        """Return the wall clock in ns since 1970."""
        self.tick()
        return _START_NS + self._passed_ns + self._jumped_ns

    def monotonic_s(self) -> float:
        """Return seconds since the begin of the world."""
        self.tick()
        return self._passed_ns / 10**9


class VirtualTime:
    """Takes the place of the module ``time`` in the product's modules."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.monotonic = self.perf_counter = self.process_time = clock.monotonic_s
        self.time_ns = clock.wall_ns
        self.sleep = clock.advance

    def time(self) -> float:
        """Return the wall clock in seconds since 1970."""
        return self._clock.wall_ns() / 10**9

    def __getattr__(self, name: str) -> Any:
        return getattr(real_time, name)


def virtual_datetime(clock: Clock) -> type[real_datetime.datetime]:
    """Return a class that takes the place of ``datetime.datetime``."""

    class VirtualDatetime(real_datetime.datetime):
        """A date whose ``now`` is that of the simulated machine."""

        @classmethod
        def now(cls, tz: real_datetime.tzinfo | None = None) -> VirtualDatetime:
            return cls.fromtimestamp(clock.wall_ns() / 10**9, tz)

    return VirtualDatetime
