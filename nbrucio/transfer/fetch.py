"""Download many files with few connections: the largest first, each from the first replica that works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from nbrucio.core.events import Reporter
from nbrucio.core.hosts import HostBook
from nbrucio.core.plan import FileKey
from nbrucio.disk.threads import DaemonThread
from nbrucio.errors import Interrupted
from nbrucio.store import Store, Stored
from nbrucio.transfer.commit_queue import CommitQueue
from nbrucio.transfer.context import TransferContext
from nbrucio.transfer.errors import Stopped
from nbrucio.transfer.types import Outcome, StorageAccess, Task, TransferLimits
from nbrucio.transfer.worker import Worker

#: Interval in seconds at which the run is checked for stalls, a cancellation and its end.
_POLL_S = 0.1
#: Seconds to wait for threads to stop.
_GRACE_S = 0.7
#: Threads that start with the first tasks, for two hosts at their first level; more start where that helps.
_FIRST_WORKERS = 8
#: Largest number of unfinished tasks taken from an iterator.
AHEAD = 5_000
#: Seconds between two checks whether the iterator may continue.
_REST_S = 0.02


def fetch(
    tasks: Iterable[Task],
    store: Store,
    access: Mapping[str, StorageAccess],
    reporter: Reporter,
    *,
    limits: TransferLimits = TransferLimits(),  # noqa: B008 frozen
    cancel: threading.Event | None = None,
    book: HostBook | None = None,
    arrived: Callable[[Sequence[tuple[Task, Stored]]], object] | None = None,
    preferred: Callable[[], Collection[FileKey] | None] | None = None,
) -> tuple[Outcome, ...]:
    """Download the file of each task into ``store``.

    Replicas are tried in the given order; tape replicas are skipped. Files that are in the store already, or that
    another process downloads meanwhile, are shared. The error of one file does not affect others. ``tasks`` may be an
    iterator that is still being filled: downloads start with its first task, and at most `AHEAD` unfinished tasks are
    taken from it, so that the replicas of all files need not be in memory.

    Args:
        tasks: files to download; a file given twice is downloaded once.
        access: access to the storage of each instance; without an entry, no credentials are sent.
        reporter: receives events from several threads.
        cancel: set it to stop within a second; resumable partial files stay.
        book: experience with hosts; gets that of this run.
        arrived: called from several threads with files as soon as they are in the store; must be quick and not raise.
        preferred: asked ten times a second which files to start before all others; None means the same as before.

    Returns:
        One outcome per task, in order. The tasks in it have no replicas.

    Raises:
        Interrupted: ``cancel`` was set, or the user pressed Ctrl-C.
        NbrucioError: raised by the iterator ``tasks``; running downloads are stopped first.
    """
    pool = WorkerPool(TransferContext(store, access, reporter, limits, book, arrived))
    try:
        pool.submit(tasks)
        pool.run(cancel, preferred)
    except KeyboardInterrupt as error:
        raise _interrupted() from error
    finally:
        pool.shutdown()  # which ends the attempts that still run, so that their bytes count
        pool.context.book.found.update(pool.context.schedule.found())
        pool.context.book.rses.update(pool.context.performances.found())
    return pool.context.outcomes()


class WorkerPool:
    """The threads of one run. All are daemons, so that a call hanging in the kernel cannot keep the process alive."""

    def __init__(self, context: TransferContext) -> None:
        self.context = context
        self._commits = CommitQueue(context)
        self._worker = Worker(context, self._commits)
        self._threads: list[threading.Thread] = []
        self._ended: set[str] = set()
        self._guard = threading.Lock()
        self._workers = 0
        self._start(self._commits.work, "commit")

    def submit(self, tasks: Iterable[Task]) -> None:
        """Submit the tasks of the run; an iterator is read in a thread of its own."""
        if isinstance(tasks, Sequence):
            self._submit(tasks)
        else:
            self._start(lambda: self._submit(self._throttled(tasks)), "feed")

    def run(
        self, cancel: threading.Event | None, preferred: Callable[[], Collection[FileKey] | None] | None = None
    ) -> None:
        """Watch the run until it has finished.

        Raises:
            Interrupted: ``cancel`` was set.
            MemoryError: a thread ended without a word.
        """
        while cancel is None or not cancel.is_set():
            has_lost_one = self._has_lost_one()
            if self.context.finished.wait(_POLL_S):
                return
            if has_lost_one:
                raise MemoryError("a thread ended without a word")
            self.context.watch()
            first = None if preferred is None else preferred()
            if first is not None:
                self.context.schedule.prefer(first)
            self._staff(self.context.schedule.slots())
        raise _interrupted()

    def shutdown(self) -> None:
        """Stop the threads that still run, and wait briefly for them."""
        self.context.stop()
        self._commits.close()
        deadline = time.monotonic() + _GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.context.sources.close()
        self.context.traces.close()

    def _submit(self, tasks: Iterable[Task]) -> None:
        entered = 0
        for task in tasks:
            self.context.check()
            if not self.context.enter(task):
                continue
            self._worker.enter(task)
            entered += 1
            if entered <= _FIRST_WORKERS:
                self._staff(entered)
        self.context.end_of_input()

    def _staff(self, workers: int) -> None:
        """Have at least ``workers`` threads that download, within the limit of the run."""
        with self._guard:
            while self._workers < min(workers, self.context.limits.total):
                try:
                    self._start(self._worker.work, f"transfer-{self._workers + 1}")
                except RuntimeError:  # no more threads: those that there are download everything
                    if not self._workers:
                        raise
                    return
                self._workers += 1

    def _has_lost_one(self) -> bool:
        """Whether a thread ended without a result or an error, as it does without memory for either."""
        return any(not thread.is_alive() and thread.name not in self._ended for thread in self._threads)

    def _throttled(self, tasks: Iterable[Task]) -> Iterator[Task]:
        for task in tasks:
            while self.context.open_tasks() >= AHEAD:
                self.context.check()
                time.sleep(_REST_S)
            yield task

    def _start(self, work: Callable[[], None], name: str) -> None:
        def guarded() -> None:
            try:
                work()
            except Stopped:
                pass
            except BaseException as error:  # noqa: BLE001 the calling thread raises it
                self.context.crash(error)
            self._ended.add(thread.name)

        thread = DaemonThread(guarded, f"nbrucio-{name}")
        thread.start()
        self._threads.append(thread)


def _interrupted() -> Interrupted:
    return Interrupted("The downloads were stopped before they were complete.", hint="The next sync resumes them.")
