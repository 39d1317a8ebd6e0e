"""Bring many files at once: few connections, the largest first, each from the first replica that delivers it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from nbrucio.core.events import Reporter
from nbrucio.errors import Interrupted
from nbrucio.store import Store
from nbrucio.transfer.commit_queue import CommitQueue
from nbrucio.transfer.context import TransferContext
from nbrucio.transfer.errors import Stopped
from nbrucio.transfer.types import Outcome, StorageAccess, Task, TransferLimits
from nbrucio.transfer.worker import Worker

#: How often the run is looked after: for stalls, for a cancel, for its end.
_LOOK_S = 0.1
#: How long threads that were told to stop are waited for.
_GRACE_S = 0.7
#: So many files of an iterator wait or are under way at once.
AHEAD = 5_000
#: How long an iterator that is ahead rests.
_REST_S = 0.02


def fetch(
    tasks: Iterable[Task],
    store: Store,
    access: Mapping[str, StorageAccess],
    reporter: Reporter,
    *,
    limits: TransferLimits = TransferLimits(),  # noqa: B008 frozen
    cancel: threading.Event | None = None,
) -> tuple[Outcome, ...]:
    """Bring the file of each task into ``store``.

    Replicas are tried in the order given; those on tape are left out. A file that is in the store already, or that
    another process brings meanwhile, is shared. What one file comes to never hides the others. ``tasks`` may be an
    iterator that is still being filled: transfers start with the first task, and it is never asked for more than
    `AHEAD` tasks that are not done, so that the replicas of all files need not be in memory.

    Args:
        tasks: what to bring; the same file twice is brought once.
        access: how the storage of each instance is reached; an instance that is missing is reached without credentials.
        reporter: told what happens, from several threads.
        cancel: set it to stop within a second; what is resumable is kept.

    Returns:
        One outcome a task, in the order of the tasks, which have lost their replicas.

    Raises:
        Interrupted: ``cancel`` was set, or the user pressed Ctrl-C.
        NbrucioError: what ``tasks`` itself raises, once the transfers under way have stopped.
    """
    pool = WorkerPool(TransferContext(store, access, reporter, limits))
    try:
        pool.submit(tasks)
        pool.run(cancel)
    except KeyboardInterrupt as error:
        raise _interrupted() from error
    finally:
        pool.shutdown()
    return pool.context.outcomes()


class WorkerPool:
    """The threads of one run. All are daemons: a call that hangs in the kernel cannot keep the process alive."""

    def __init__(self, context: TransferContext) -> None:
        self.context = context
        self._commits = CommitQueue(context)
        self._worker = Worker(context, self._commits)
        self._threads: list[threading.Thread] = []
        self._start(self._commits.work, "commit")

    def submit(self, tasks: Iterable[Task]) -> None:
        """Give the run its tasks; those that are still being made come from a thread of their own."""
        if isinstance(tasks, Sequence):
            self._submit(tasks)
        else:
            self._start(lambda: self._submit(self._in_time(tasks)), "feed")

    def run(self, cancel: threading.Event | None) -> None:
        """Look after the run until it has finished.

        Raises:
            Interrupted: ``cancel`` was set.
        """
        while cancel is None or not cancel.is_set():
            if self.context.finished.wait(_LOOK_S):
                return
            self.context.watch()
        raise _interrupted()

    def shutdown(self) -> None:
        """Stop what still runs, and wait a moment for it."""
        self.context.stop()
        self._commits.close()
        deadline = time.monotonic() + _GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.context.sources.close()
        self.context.traces.close()

    def _submit(self, tasks: Iterable[Task]) -> None:
        started = 0
        for task in tasks:
            self.context.check()
            if not self.context.enter(task):
                continue
            self._worker.enter(task)
            if started < self.context.limits.total:
                started += 1
                self._start(self._worker.work, f"transfer-{started}")
        self.context.fed()

    def _in_time(self, tasks: Iterable[Task]) -> Iterator[Task]:
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
                return
            except BaseException as fault:  # noqa: BLE001 the calling thread raises it
                self.context.crash(fault)

        thread = threading.Thread(target=guarded, name=f"nbrucio-{name}", daemon=True)
        thread.start()
        self._threads.append(thread)


def _interrupted() -> Interrupted:
    return Interrupted("Stopped before all files were here.", hint="The next sync goes on where this one stopped.")
