"""Commit what has arrived, in groups: while one group is made durable, the next one gathers."""

from __future__ import annotations

import threading
import time

from nbrucio.store.locks import Lock
from nbrucio.store.partial import Partial
from nbrucio.store.session import Arrival
from nbrucio.transfer.context import TransferContext
from nbrucio.transfer.types import Task

#: Files that may wait for their commit. Each holds two descriptors, of which a process often has 1,024.
_WAITING = 128

#: How long a group gathers while more files are on their way. Every flush makes the disk's journal write, and what
#: other threads create meanwhile waits for it.
_GATHER_S = 0.1

_Item = tuple[Task, Partial, Lock]


class CommitQueue:
    """The one thread that commits. `add` may be called from any."""

    def __init__(self, context: TransferContext) -> None:
        self._context = context
        self._items: list[_Item] = []
        self._closed = False
        guard = threading.Lock()
        self._due = threading.Condition(guard)
        self._room = threading.Condition(guard)

    def add(self, task: Task, partial: Partial, lock: Lock) -> None:
        """Commit ``partial``, whose bytes are right, and then release ``lock``; waits when too many are waiting."""
        with self._due:
            while len(self._items) >= _WAITING:
                self._room.wait()
            self._items.append((task, partial, lock))
            # Waking the other thread for each of many small files would cost more than their commits.
            if len(self._items) == 1 or self._is_complete():
                self._due.notify()

    def close(self) -> None:
        """Let `work` return once it has nothing left."""
        with self._due:
            self._closed = True
            self._due.notify()

    def work(self) -> None:
        """Commit until closed."""
        while group := self._gather():
            self._commit(group)

    def _gather(self) -> list[_Item]:
        """The next group, as soon as it is complete or time is up; empty when there is none any more."""
        with self._due:
            while not self._items and not self._closed:
                self._due.wait()
            deadline = time.monotonic() + _GATHER_S
            while not self._is_complete() and (wait_s := deadline - time.monotonic()) > 0:
                self._due.wait(wait_s)
            group, self._items = self._items, []
            self._room.notify_all()
            return group

    def _is_complete(self) -> bool:
        """Whether nothing more can come to what waits, or ought to."""
        return self._closed or len(self._items) >= _WAITING or self._context.open_tasks() <= len(self._items)

    def _commit(self, group: list[_Item]) -> None:
        arrivals = [Arrival(task.instance, task.entry, partial) for task, partial, _ in group]
        for (task, _, lock), committed in zip(group, self._context.session.commit(arrivals), strict=True):
            lock.release()
            if committed.moved_aside is not None:
                self._context.notice_moved(task.entry.did, committed.moved_aside)
            if committed.stored is not None:
                self._context.succeed(task, committed.stored)
            else:
                assert committed.error is not None
                self._context.fail(task, committed.error)
