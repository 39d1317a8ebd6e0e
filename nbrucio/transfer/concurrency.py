"""How many files to read from one host at a time."""

from __future__ import annotations

import os

#: Shortest time span to measure: in less, one file may be all that was read.
_SPAN_S = 0.01
#: Size from which reading, summing and writing release the interpreter's lock long enough for other threads.
LARGE_BYTES = 400_000
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


def _cores() -> int:
    """Return the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS
