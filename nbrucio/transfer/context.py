"""What the threads of one run share: its jobs, its outcomes, the health of hosts, and whether it is to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping

from nbrucio.core.did import Did
from nbrucio.core.events import FileFailed, FileFinished, Noticed, Reporter
from nbrucio.errors import NbrucioError, NoSpace, OverBudget
from nbrucio.store import Store, Stored
from nbrucio.transfer.allowance import Allowance
from nbrucio.transfer.base import Sink
from nbrucio.transfer.errors import Stopped
from nbrucio.transfer.registry import Sources
from nbrucio.transfer.scheduler import Scheduler
from nbrucio.transfer.traces import Traces
from nbrucio.transfer.types import Outcome, StorageAccess, Task, TransferLimits


class TransferContext:
    """The state of one call of `fetch`. Thread-safe."""

    def __init__(
        self, store: Store, access: Mapping[str, StorageAccess], reporter: Reporter, limits: TransferLimits
    ) -> None:
        self.store = store
        self.session = store.session()
        self.reporter = reporter
        self.limits = limits
        self.sources = Sources(access, limits)
        self.allowance = Allowance(limits.max_download_bytes, limits.keep_free_bytes, store.free_bytes)
        self.schedule = Scheduler(limits.per_host)
        self.hosts = Hosts(limits)
        self.traces = Traces({name: one.traces for name, one in access.items() if one.traces is not None})
        #: Set when every task has an outcome, or when something went wrong that the caller must raise.
        self.finished = threading.Event()
        #: The first sign that the disk is full; then nothing more is tried.
        self.full: NoSpace | None = None
        self._guard = threading.Lock()
        self._tasks: list[Task] = []
        self._outcomes: dict[tuple[str, Did], tuple[Stored | None, NbrucioError | None]] = {}
        self._known: set[tuple[str, Did]] = set()
        self._fed = False
        self._fault: BaseException | None = None
        self._sinks: set[Sink] = set()
        self._stopping = False

    def enter(self, task: Task) -> bool:
        """Count ``task``; whether it is the first for its file."""
        key = (task.instance, task.entry.did)
        with self._guard:
            self._tasks.append(Task(task.instance, task.entry, ()))
            first = key not in self._known
            self._known.add(key)
        return first

    def fed(self) -> None:
        """No task comes after this."""
        with self._guard:
            self._fed = True
            self._look_for_end()

    def succeed(self, task: Task, stored: Stored) -> None:
        """The file of ``task`` is in the store."""
        self.reporter.report(FileFinished(task.entry.did, stored.size_bytes))
        self._settle(task, stored, None)

    def fail(self, task: Task, error: NbrucioError) -> None:
        """The file of ``task`` cannot be had."""
        # A download limit may still have room for the other files; a full disk has not.
        if isinstance(error, NoSpace) and not isinstance(error, OverBudget) and self.full is None:
            self.full = error
        self.reporter.report(FileFailed(task.entry.did, error))
        self._settle(task, None, error)

    def notice_moved(self, did: Did, where: str) -> None:
        """Something stood where the object of ``did`` belongs."""
        self.reporter.report(Noticed(f"Something stood in the place of {did} in the store. It is now {where}."))

    def open_tasks(self) -> int:
        """Files that have no outcome yet."""
        with self._guard:
            return len(self._known) - len(self._outcomes)

    def crash(self, fault: BaseException) -> None:
        """Let the calling thread raise ``fault``."""
        with self._guard:
            self._fault = self._fault or fault
        self.finished.set()

    def outcomes(self) -> tuple[Outcome, ...]:
        """One outcome a task, in the order of the tasks.

        Raises:
            BaseException: what a thread of the run ended with.
        """
        if self._fault is not None:
            raise self._fault
        found = (self._outcomes[task.instance, task.entry.did] for task in self._tasks)
        return tuple(Outcome(task, *one) for task, one in zip(self._tasks, found, strict=True))

    def begin(self, sink: Sink) -> None:
        """Watch over ``sink`` until `end`."""
        with self._guard:
            self._sinks.add(sink)
        if self._stopping:
            sink.abort(Stopped())

    def end(self, sink: Sink) -> None:
        """``sink`` is over."""
        with self._guard:
            self._sinks.discard(sink)

    def watch(self) -> None:
        """End what stalls, and begin with more at once where that helps."""
        self.schedule.observe()
        now = time.monotonic()
        for sink in self._running():
            sink.watch(now)

    def stop(self) -> None:
        """Give out no more jobs, and end those under way as soon as they can."""
        self._stopping = True
        for job in self.schedule.close():
            if job.partial is not None:
                job.partial.keep()
        for sink in self._running():
            sink.abort(Stopped())

    def check(self) -> None:
        """Raise `Stopped` once the run is to stop."""
        if self._stopping:
            raise Stopped

    def _running(self) -> Iterable[Sink]:
        with self._guard:
            return tuple(self._sinks)

    def _settle(self, task: Task, stored: Stored | None, error: NbrucioError | None) -> None:
        with self._guard:
            self._outcomes[task.instance, task.entry.did] = stored, error
            self._look_for_end()

    def _look_for_end(self) -> None:
        if self._fed and len(self._outcomes) == len(self._known):
            self.finished.set()


class Hosts:
    """Which hosts still deliver. Thread-safe."""

    def __init__(self, limits: TransferLimits) -> None:
        self._limits = limits
        self._guard = threading.Lock()
        self._faults: dict[str, tuple[int, float]] = {}  # attempts failed in a row, and when the first of them did

    def delivered(self, host: str) -> None:
        """A file came from ``host``."""
        if self._faults:
            with self._guard:
                self._faults.pop(host, None)

    def failed(self, host: str) -> None:
        """An attempt failed for a fault of ``host``, not of the file."""
        with self._guard:
            count, since = self._faults.get(host, (0, time.monotonic()))
            self._faults[host] = (count + 1, since)

    def is_dead(self, host: str) -> bool:
        """Whether ``host`` is to be left alone for the rest of the run."""
        if not self._faults:
            return False
        with self._guard:
            count, since = self._faults.get(host, (0, 0.0))
        return count >= self._limits.host_faults and time.monotonic() - since >= self._limits.host_s
