"""The threads of a download as one thread: the seed chooses whether a file is read next, or a group is committed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable

from nbrucio.errors import Interrupted
from nbrucio.transfer.commit_queue import CommitQueue
from nbrucio.transfer.context import TransferContext
from nbrucio.transfer.types import Task
from nbrucio.transfer.worker import Worker
from tests.simulation.machine import Idle, Machine

#: More turns than any run takes.
_ENDLESS = 5_000


class Hung(AssertionError):
    """The downloads neither continue nor end."""


class VirtualPool:
    """Takes the place of `nbrucio.transfer.fetch.WorkerPool`."""

    def __init__(self, chance: random.Random, machine: Machine, context: TransferContext) -> None:
        self.context = context
        context.performances._clock = machine.clock.monotonic_s
        self._chance = chance
        self._machine = machine
        self._commits = CommitQueue(context)
        self._worker = Worker(context, self._commits)
        self._host: str | None = None

    def submit(self, tasks: Iterable[Task]) -> None:
        """See `WorkerPool.submit`."""
        for task in tasks:
            if self.context.enter(task):
                self._worker.enter(task)
        self.context.end_of_input()

    def run(self, cancel: threading.Event | None, _preferred: object = None) -> None:
        """See `WorkerPool.run`."""
        for _ in range(_ENDLESS):
            if self.context.finished.is_set():
                return
            if cancel is not None and cancel.is_set():
                raise Interrupted("The downloads were stopped before they were complete.")
            self.context.watch()
            if self._commits._items and self._chance.random() < 0.5:
                self._commit()
            else:
                self._read()
        raise Hung

    def shutdown(self) -> None:
        """See `WorkerPool.shutdown`."""
        self.context.stop()
        if not (self._machine.current and self._machine.current.is_dead):
            self._commits.close()
            while self._commits._items:
                self._commit()
        self.context.sources.close()

    def _commit(self) -> None:
        self._commits._commit(self._commits._gather())

    def _read(self) -> None:
        done, self._host = self._host, None
        try:
            taken = self.context.schedule.take(done)
        except Idle:
            if not self._commits._items:
                raise Hung from None
            self._commit()
            return
        if taken is not None:
            self._host = taken[1]
            self._worker._serve(taken[0], taken[1])


def pool(chance: random.Random, machine: Machine) -> Callable[[TransferContext], VirtualPool]:
    """Return what makes a `VirtualPool` from the arguments of the real one."""
    return lambda context: VirtualPool(chance, machine, context)
