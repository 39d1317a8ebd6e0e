"""Limits for the number of files that are read from one host at a time."""

from __future__ import annotations

import os

#: Shortest time span to measure: in less, one file may be all that was read.
_SPAN_S = 0.01
#: Size from which reading, summing and writing release the interpreter's lock long enough for other threads.
LARGE_BYTES = 400_000
#: Files at a time from a host of which nothing is known yet.
START = 4
#: Seconds over which bytes are counted, and seconds before that in which new connections are made.
_WINDOW_S, _SETTLE_S = 0.3, 0.2
#: Factor by which the bytes per second must grow when the number of files doubles, and seconds until the next attempt.
_GAIN, _HOLD_S = 1.2, 3.0
#: Share of the useful cores' time above which a thread is too many, and below which one more is worth it.
_BUSY, _IDLE = 0.9, 0.7


class ConcurrencyLimit:
    """A fixed limit of ``most`` files at a time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = most

    def observe(self, at_s: float, computed_s: float, size_bytes: int) -> None:
        """Record that a thread takes a file.

        Args:
            at_s: time in seconds, by any clock.
            computed_s: CPU seconds of this process, all threads together.
            size_bytes: size of the file that it takes.
        """

    def measure(self, at_s: float, arrived_bytes: int) -> None:
        """Record how much has arrived while more files waited for this limit.

        Args:
            at_s: time in seconds, by any clock.
            arrived_bytes: bytes from this host since the run began.
        """

    def lower(self, most: int) -> None:
        """Record that the host refuses more than ``most`` files at a time."""

    def rest(self) -> None:
        """Record that there is nothing to do for now."""


class AdaptiveLimit(ConcurrencyLimit):
    """A limit that follows the CPU use of this process.

    Reading a small file from a local disk takes a few hundred µs, most of them in the interpreter, which runs one
    thread at a time. A second thread only adds a context switch to each system call: 1,000 files of 100 kB cost 1.7
    times the CPU time. A network file system answers after milliseconds, in which other threads can work.
    """

    def __init__(self, most: int, cores: int | None = None) -> None:
        super().__init__(most)
        self._cores = cores or _cores()
        self.now = min(most, self._cores)
        self._since: tuple[float, float] | None = None

    def observe(self, at_s: float, computed_s: float, size_bytes: int) -> None:
        """See `ConcurrencyLimit.observe`."""
        if self._since is None:
            self._since = at_s, computed_s
            return
        span_s = at_s - self._since[0]
        if span_s < _SPAN_S:
            return
        useful = min(self._cores, self.most) if size_bytes >= LARGE_BYTES else 1
        busy = (computed_s - self._since[1]) / (span_s * useful)
        if busy < _IDLE:
            self.now = min(self.now + 1, self.most)
        elif busy > _BUSY:
            self.now = max(self.now - 1, useful)
        self._since = at_s, computed_s

    def rest(self) -> None:
        """See `ConcurrencyLimit.rest`."""
        self._since = None


class GoodputLimit(ConcurrencyLimit):
    """A limit that grows as long as more files at a time increase the bytes per second.

    With 40 ms to the storage, a stream of 1 MB files mostly waits, and 4 of them use a tenth of the line. Latency and
    the share of successes are bad signals: on a throttled line both stay good although more streams do not help. So the
    limit doubles, and is reduced again unless the bytes per second grow with it. After a host refuses a connection or
    asks to wait, this run does not use as many streams with it again.
    """

    def __init__(self, most: int, start: int = START) -> None:
        super().__init__(most)
        self.now = min(most, start)
        self._before: tuple[int, float] | None = None  # the level below, and its bytes per second
        self._window: tuple[float, int] | None = None
        self._settled_s = 0.0  # new connections need some round trips before their first byte
        self._hold_until_s = 0.0

    def measure(self, at_s: float, arrived_bytes: int) -> None:
        """See `ConcurrencyLimit.measure`."""
        if at_s < self._settled_s:
            return
        if self._window is None:
            self._window = at_s, arrived_bytes
            return
        since_s, bytes_before = self._window
        if at_s - since_s < _WINDOW_S:
            return
        level = self.now
        self._decide(at_s, (arrived_bytes - bytes_before) / (at_s - since_s))
        self._window = None
        if self.now != level:
            self._settled_s = at_s + _SETTLE_S

    def lower(self, most: int) -> None:
        """See `ConcurrencyLimit.lower`."""
        self.most = max(1, min(self.most, most))
        self.now = min(self.now, self.most)
        self._before = self._window = None

    def rest(self) -> None:
        """See `ConcurrencyLimit.rest`."""
        self._window = None

    def _decide(self, at_s: float, bytes_per_s: float) -> None:
        if self._before is not None and bytes_per_s < self._before[1] * _GAIN:
            self.now = min(self._before[0], self.most)
            self._before = None
            self._hold_until_s = at_s + _HOLD_S
        elif at_s >= self._hold_until_s:
            self._before = (self.now, bytes_per_s) if self.now < self.most else None
            self.now = min(2 * self.now, self.most)


def _cores() -> int:
    """Return the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS
