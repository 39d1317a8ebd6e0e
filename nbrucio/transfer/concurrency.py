"""How many files at once are worth reading from one host."""

from __future__ import annotations

import os

#: Over a shorter time one file may be all that was done.
_SPAN_S = 0.01
#: A file so large is read, summed and written for so long without the interpreter's lock that others can go on.
LARGE_BYTES = 400_000
#: By which part of the useful processors' time this process must compute before a thread is too many, and one more is
#: worth it.
_BUSY, _IDLE = 0.9, 0.7


class ConcurrencyLimit:
    """Room for at most ``most`` files at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = most

    def observe(self, at_s: float, computed_s: float, size_bytes: int) -> None:
        """A thread asks for a file.

        Args:
            at_s: the time, by any clock.
            computed_s: for how long this process has computed, all threads together.
            size_bytes: of the file that it gets.
        """

    def rest(self) -> None:
        """There is nothing to do for a while."""


class AdaptiveLimit(ConcurrencyLimit):
    """Room that follows what this process computes.

    A small file of a disk nearby takes a few hundred microseconds, most of them in the interpreter, which serves one
    thread at a time: a second one would only make each system call a change of threads, and 1,000 files of 100 kB cost
    1.7 times the processor's time. A network file system answers after milliseconds, in which other threads can work.
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


def _cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS
