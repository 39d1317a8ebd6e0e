"""Limits for the number of files that are read from one host at a time."""

from __future__ import annotations

import os
from contextlib import suppress

from nbrucio.core.hosts import HostFacts

#: Shortest time span to measure: in less, one file may be all that was read.
_SPAN_S = 0.01
#: Size from which reading, summing and writing release the interpreter's lock long enough for other threads.
LARGE_BYTES = 400_000
#: Files at a time from a host of which nothing is known yet, and if it turns out that this process is busy with them.
START, START_NEAR = 8, 4
#: Most files at a time from mounted storage.
MOST_MOUNTED = 4
#: Seconds over which bytes are counted, and seconds before that in which new connections are made.
_WINDOW_S, _SETTLE_S = 0.3, 0.2
#: Factor by which another level must increase the bytes per second to be kept, and below which it is left at once.
_GAIN, _COLLAPSE = 1.15, 0.7
#: Share of the bytes per second below which a trial has shown that the source cannot serve as many, and how many times
#: longer it is not tried again.
_OVERLOADED, _OVERLOADED_HOLD = 0.5, 4
#: Share of the usual bytes per second, and how many times in a row, below which a lower level is tried.
_FALLEN, _FALLEN_TIMES = 0.6, 3
#: Seconds until the next attempt after one that did not help; doubled after each, up to the last number. The second one
#: is for a level that an earlier run found.
_HOLD_S, _KNOWN_HOLD_S, _LONGEST_HOLD_S = 3.0, 12.0, 48.0
#: Share of the useful cores' time above which a thread is too many, and below which one more is worth it.
_BUSY, _IDLE = 0.9, 0.7
#: Share of all cores' time above which reading more files at a time brings no more bytes.
_COMPUTING = 0.5


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

    def measure(self, at_s: float, arrived_bytes: int, computed_s: float) -> None:
        """Record how much has arrived while more files waited for this limit.

        Args:
            at_s: time in seconds, by any clock.
            arrived_bytes: bytes from this host since the run began.
            computed_s: CPU seconds of this process, all threads together.
        """

    def was_overloaded(self) -> bool:
        """Whether the last trial of a higher limit halved the bytes per second; said once."""
        return False

    def lower(self, most: int) -> None:
        """Record that the host refuses more than ``most`` files at a time."""

    def rest(self) -> None:
        """Record that there is nothing to do for now."""

    def found(self) -> HostFacts:
        """Return what was found out about the host."""
        return HostFacts()


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
    limit doubles, and is reduced again unless the bytes per second grow with it. When the bytes per second fall, half
    the limit is tried in the same way. After a host refuses a connection or asks to wait, this run does not use as many
    streams with it again. Where reading what arrives is what takes the time, as it does beside the storage, the first
    level is lowered once, and no higher one is tried.

    Args:
        known: what an earlier run found. It is where this limit begins, and is tested after a while only.
    """

    def __init__(self, most: int, known: HostFacts | None = None, cores: int | None = None) -> None:
        super().__init__(most)
        self._cores = cores or _cores()
        self._refused_above: int | None = None
        self._usual: float | None = None  # bytes per second at the level that is in use
        self._trial: tuple[int, float] | None = None  # the level before a trial, and its bytes per second
        self._is_doubtful = False
        self._fallen = 0
        self._window: tuple[float, int, float] | None = None
        self._settled_s = 0.0  # new connections need some round trips before their first byte
        self._hold_s = _HOLD_S
        self._hold_until_s: float | None = 0.0
        self._is_measured = False
        self._was_overloaded = False
        if known is not None and known.most is not None:
            self.most = min(most, known.most)  # not reported as found again, so the run after this one tries more
        if known is not None and known.files is not None:
            self._hold_s = _KNOWN_HOLD_S
            self._hold_until_s = None  # begins with the first measurement
            self._is_measured = True
        start = START if known is None or known.files is None else known.files
        self.now = max(1, min(self.most, start))

    def found(self) -> HostFacts:
        """See `ConcurrencyLimit.found`."""
        level = self.now if self._trial is None else min(self._trial[0], self.most)
        return HostFacts(level if self._is_measured else None, self._refused_above)

    def measure(self, at_s: float, arrived_bytes: int, computed_s: float) -> None:
        """See `ConcurrencyLimit.measure`."""
        if at_s < self._settled_s:
            return
        if self._window is None:
            self._window = at_s, arrived_bytes, computed_s
            return
        since_s, bytes_before, computed_before_s = self._window
        span_s = at_s - since_s
        if span_s < _WINDOW_S:
            return
        level = self.now
        is_computing = computed_s - computed_before_s > _COMPUTING * self._cores * span_s
        self._decide(at_s, (arrived_bytes - bytes_before) / span_s, is_computing=is_computing)
        self._window = None
        if self.now != level:
            self._settled_s = at_s + _SETTLE_S

    def was_overloaded(self) -> bool:
        """See `ConcurrencyLimit.was_overloaded`."""
        said, self._was_overloaded = self._was_overloaded, False
        return said

    def lower(self, most: int) -> None:
        """See `ConcurrencyLimit.lower`."""
        self.most = self._refused_above = max(1, min(self.most, most))
        self.now = min(self.now, self.most)
        self._is_measured = True
        self._forget()

    def rest(self) -> None:
        """See `ConcurrencyLimit.rest`."""
        self._window = None

    def _decide(self, at_s: float, bytes_per_s: float, *, is_computing: bool) -> None:
        is_first, self._is_measured = not self._is_measured, True
        if self._hold_until_s is None:
            self._hold_until_s = at_s + self._hold_s
        if is_first and is_computing and self.now > START_NEAR:
            self.now = START_NEAR
            return
        if self._trial is None:
            self._stay(at_s, bytes_per_s, may_grow=not is_computing)
            return
        before, usual = self._trial
        if bytes_per_s >= usual * _GAIN:
            has_grown = self.now > before
            self._forget()
            self._hold_s = _HOLD_S
            if has_grown and self.now < self.most:
                self._try(2 * self.now, bytes_per_s)
        elif self._is_doubtful or bytes_per_s < usual * _COLLAPSE:
            is_overloaded = self.now > before and bytes_per_s < usual * _OVERLOADED
            self._was_overloaded = is_overloaded
            self.now = min(before, self.most)
            self._forget()
            self._hold_until_s = at_s + self._hold_s * (_OVERLOADED_HOLD if is_overloaded else 1)
            self._hold_s = min(2 * self._hold_s, _LONGEST_HOLD_S)
        else:
            self._is_doubtful = True  # one window may be bad luck

    def _stay(self, at_s: float, bytes_per_s: float, *, may_grow: bool) -> None:
        """Use the level for another window, or begin a trial of another one."""
        assert self._hold_until_s is not None
        usual = self._usual or bytes_per_s
        self._fallen = self._fallen + 1 if bytes_per_s < _FALLEN * usual else 0
        if self._fallen >= _FALLEN_TIMES and self.now > 1:
            self._try(self.now // 2, bytes_per_s)
        elif may_grow and at_s >= self._hold_until_s and self.now < self.most and not self._fallen:
            self._try(2 * self.now, bytes_per_s)
        elif not self._fallen:
            self._usual = 0.8 * usual + 0.2 * bytes_per_s

    def _try(self, level: int, bytes_per_s: float) -> None:
        self._forget()
        self._trial = self.now, bytes_per_s
        self.now = min(level, self.most)

    def _forget(self) -> None:
        """Forget measurements of another level."""
        self._trial = self._usual = self._window = None
        self._is_doubtful = False
        self._fallen = 0


def _cores() -> int:
    """Return the number of CPUs that this process may use."""
    with suppress(AttributeError, OSError):  # macOS has none, and some containers forbid it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
