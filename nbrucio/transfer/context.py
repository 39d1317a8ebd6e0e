"""State that the threads of one run share: its jobs, its outcomes, the health of hosts, and whether to stop."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from nbrucio.core.did import Did
from nbrucio.core.events import FileFailed, FileFinished, Noticed, Reporter
from nbrucio.core.hosts import HostBook
from nbrucio.errors import NbrucioError, NoSpace, OverBudget
from nbrucio.store import Store, Stored
from nbrucio.transfer.allowance import Allowance
from nbrucio.transfer.base import Sink
from nbrucio.transfer.errors import Attempt, Stopped, TooSlow, Yielded
from nbrucio.transfer.parts import PartMemory
from nbrucio.transfer.performance import Performances
from nbrucio.transfer.registry import Sources
from nbrucio.transfer.scheduler import Scheduler
from nbrucio.transfer.traces import Traces
from nbrucio.transfer.types import Outcome, StorageAccess, Task, TransferLimits

#: Seconds within which a file ends by itself, so that interrupting it gains nothing.
_LONG_S = 0.3


class _Running(NamedTuple):
    """An attempt that runs: its host, when it began, and what returns why it should not go on there.

    `why_leave` gets the bytes that are missing of all files that are read from that host.
    """

    host: str
    since: float
    why_leave: Callable[[int], Attempt | None]


class TransferContext:
    """The state of one call of `fetch`. Thread-safe."""

    def __init__(
        self,
        store: Store,
        access: Mapping[str, StorageAccess],
        reporter: Reporter,
        limits: TransferLimits,
        book: HostBook | None = None,
        arrived: Callable[[Sequence[tuple[Task, Stored]]], object] | None = None,
    ) -> None:
        self.book = book or HostBook()
        self._arrived = arrived
        self.store = store
        self.session = store.session()
        self.reporter = reporter
        self.limits = limits
        self.sources = Sources(access, limits)
        self.allowance = Allowance(limits.max_download_bytes, limits.keep_free_bytes, store.free_bytes, limits.origin)
        self.schedule = Scheduler(limits.per_host, self.book.known)
        self.part_memory = PartMemory(limits.part_bytes)
        self.hosts = Hosts(limits)
        self.performances = Performances(limits.measured_bytes, pace_s=limits.pace_s)
        self.traces = Traces({name: one.traces for name, one in access.items() if one.traces is not None})
        #: Set when every task has an outcome, or when a thread raised an error that the caller must raise.
        self.finished = threading.Event()
        #: The first error of a full disk. After it nothing more is downloaded.
        self.full: NoSpace | None = None
        self._guard = threading.Lock()
        self._tasks: list[Task] = []
        self._outcomes: dict[tuple[str, Did], tuple[Stored | None, NbrucioError | None]] = {}
        self._known: set[tuple[str, Did]] = set()
        self._input_ended = False
        self._error: BaseException | None = None
        #: In the order in which they began.
        self._sinks: dict[Sink, _Running] = {}
        self._stopping = False
        #: RSEs that files left, and for which ones.
        self._left: set[tuple[str, str]] = set()

    def enter(self, task: Task) -> bool:
        """Count ``task``; return whether it is the first for its file."""
        key = (task.instance, task.entry.did)
        with self._guard:
            self._tasks.append(Task(task.instance, task.entry, ()))
            first = key not in self._known
            self._known.add(key)
        return first

    def end_of_input(self) -> None:
        """Record that all tasks were counted."""
        with self._guard:
            self._input_ended = True
            self._finish_if_done()

    def succeed(self, files: Sequence[tuple[Task, Stored]]) -> None:
        """Record that the files of these tasks are in the store."""
        if self._arrived is not None:
            self._arrived(files)
        for task, stored in files:
            self.reporter.report(FileFinished(task.entry.did, stored.size_bytes))
            self._settle(task, stored, None)

    def fail(self, task: Task, error: NbrucioError) -> None:
        """Record that the file of ``task`` could not be downloaded."""
        # Other files may still fit into a download limit, but not on a full disk.
        if isinstance(error, NoSpace) and not isinstance(error, OverBudget) and self.full is None:
            self.full = error
        self.reporter.report(FileFailed(task.entry.did, error))
        self._settle(task, None, error)

    def report_moved(self, did: Did, where: str) -> None:
        """Report that the commit moved aside something in the place of ``did``."""
        self.reporter.report(Noticed(f"Another file had the name of {did} in the cache. It was moved to {where}."))

    def report_slow(self, rse: str, error: TooSlow) -> None:
        """Report that files leave a slow RSE for another one; once for both."""
        words = f"{rse} {error.cause}, so {error.faster.rse} is tried."
        pair = rse, error.faster.rse
        with self._guard:
            is_known = pair in self._left
            self._left.add(pair)
        if not is_known:
            self.reporter.report(Noticed(words))

    def open_tasks(self) -> int:
        """Return the number of files without an outcome."""
        with self._guard:
            return len(self._known) - len(self._outcomes)

    def crash(self, error: BaseException) -> None:
        """Make the calling thread raise ``error``."""
        with self._guard:
            self._error = self._error or error
        self.finished.set()

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return one outcome per task, in the order of the tasks.

        Raises:
            BaseException: the error that ended a thread of the run.
        """
        if self._error is not None:
            raise self._error
        found = (self._outcomes[task.instance, task.entry.did] for task in self._tasks)
        return tuple(Outcome(task, *one) for task, one in zip(self._tasks, found, strict=True))

    def begin(self, sink: Sink, host: str, why_leave: Callable[[int], Attempt | None]) -> None:
        """Watch ``sink``, which reads from ``host``, until `end`. ``why_leave``: see `_Running`."""
        with self._guard:
            self._sinks[sink] = _Running(host, time.monotonic(), why_leave)
        if self._stopping:
            sink.abort(Stopped())

    def end(self, sink: Sink) -> None:
        """Stop watching ``sink``."""
        with self._guard:
            self._sinks.pop(sink, None)

    def watch(self) -> None:
        """Abort attempts that stalled, overload a host or should be made elsewhere; start more where that helps."""
        now = time.monotonic()
        for host, count in self.schedule.observe().items():
            for sink in self._last_begun(host, count, now - _LONG_S):
                sink.abort(Yielded())
        every = self._running()
        missing_bytes = Counter[str]()
        for sink, running in every.items():
            sink.watch(now)
            missing_bytes[running.host] += sink.missing_bytes or 0
        for sink, running in every.items():
            reason = running.why_leave(missing_bytes[running.host])
            if reason is not None:
                sink.abort(reason)

    def stop(self) -> None:
        """Start no more jobs, and abort those that run."""
        self._stopping = True
        for job in self.schedule.close():
            if job.partial is not None:
                job.partial.keep()
        for sink in self._running():
            sink.abort(Stopped())

    def check(self) -> None:
        """Raise `Stopped` once the run must stop."""
        if self._stopping:
            raise Stopped

    def _last_begun(self, host: str, count: int, before: float) -> Iterable[Sink]:
        """Return the last ``count`` sinks of ``host``, without those that end soon by themselves: which began after
        ``before``, or are files in parts.
        """
        with self._guard:
            sinks = [sink for sink, running in self._sinks.items() if running.host == host and sink.end is None]
            return [sink for sink in sinks[-count:] if self._sinks[sink].since < before] if count > 0 else ()

    def _running(self) -> Mapping[Sink, _Running]:
        with self._guard:
            return dict(self._sinks)

    def _settle(self, task: Task, stored: Stored | None, error: NbrucioError | None) -> None:
        with self._guard:
            self._outcomes[task.instance, task.entry.did] = stored, error
            self._finish_if_done()

    def _finish_if_done(self) -> None:
        if self._input_ended and len(self._outcomes) == len(self._known):
            self.finished.set()


class Hosts:
    """The health of hosts. Thread-safe."""

    def __init__(self, limits: TransferLimits) -> None:
        self._limits = limits
        self._guard = threading.Lock()
        #: Failed attempts in a row, the time of the first, and the cause of the last.
        self._failures: dict[str, tuple[int, float, str]] = {}

    def delivered(self, host: str) -> None:
        """Record a complete download from ``host``."""
        if self._failures:
            with self._guard:
                self._failures.pop(host, None)

    def failed(self, host: str, cause: str) -> None:
        """Record an attempt that failed because of ``host``, not because of the file."""
        with self._guard:
            count, since, _ = self._failures.get(host, (0, time.monotonic(), ""))
            self._failures[host] = (count + 1, since, cause)

    def why_dead(self, host: str) -> str | None:
        """Return the last cause for which this run must not use ``host`` again; None where it may."""
        if not self._failures:
            return None
        with self._guard:
            count, since, cause = self._failures.get(host, (0, 0.0, ""))
        if count < self._limits.host_failures or time.monotonic() - since < self._limits.host_s:
            return None
        return cause
