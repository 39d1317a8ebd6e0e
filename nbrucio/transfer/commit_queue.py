"""Commits downloaded files in groups: while one group is flushed to disk, the next one collects."""

from __future__ import annotations

import threading
import time

from nbrucio.store import Stored
from nbrucio.store.locks import Lock
from nbrucio.store.partial import Partial
from nbrucio.store.session import Arrival
from nbrucio.transfer.context import TransferContext
from nbrucio.transfer.types import Task

#: Seconds to collect a group while more files are being downloaded. Each flush makes the disk write its journal, and
#: other threads that create files wait for that.
_GATHER_S = 0.1

_Item = tuple[Task, Partial, Lock]


class CommitQueue:
    """The queue of the commit thread. Any thread may call `add`."""

    def __init__(self, context: TransferContext) -> None:
        self._context = context
        self._most = context.limits.committing
        self._items: list[_Item] = []
        self._closed = False
        guard = threading.Lock()
        self._due = threading.Condition(guard)
        self._has_space = threading.Condition(guard)

    def add(self, task: Task, partial: Partial, lock: Lock) -> None:
        """Queue a verified ``partial`` for its commit, after which ``lock`` is released.

        Blocks while the queue is full.
        """
        with self._due:
            while len(self._items) >= self._most:
                self._has_space.wait()
            self._items.append((task, partial, lock))
            # Waking the commit thread for each of many small files would cost more than their commits.
            if len(self._items) == 1 or self._is_complete():
                self._due.notify()

    def close(self) -> None:
        """Make `work` return once the queue is empty."""
        with self._due:
            self._closed = True
            self._due.notify()

    def work(self) -> None:
        """Commit files until the queue is closed and empty."""
        while group := self._gather():
            self._commit(group)

    def _gather(self) -> list[_Item]:
        """Return the next group when it is complete or its time is up; an empty one after the last."""
        with self._due:
            while not self._items and not self._closed:
                self._due.wait()
            deadline = time.monotonic() + _GATHER_S
            while not self._is_complete() and (wait_s := deadline - time.monotonic()) > 0:
                self._due.wait(wait_s)
            group, self._items = self._items, []
            self._has_space.notify_all()
            return group

    def _is_complete(self) -> bool:
        """Whether the group is full, or no file can join it."""
        return self._closed or len(self._items) >= self._most or self._context.open_tasks() <= len(self._items)

    def _commit(self, group: list[_Item]) -> None:
        arrivals = [Arrival(task.instance, task.entry, partial) for task, partial, _ in group]
        stored: list[tuple[Task, Stored]] = []
        for (task, _, lock), committed in zip(group, self._context.session.commit(arrivals), strict=True):
            lock.release()
            if committed.moved_aside is not None:
                self._context.report_moved(task.entry.did, committed.moved_aside)
            if committed.stored is not None:
                stored.append((task, committed.stored))
            else:
                assert committed.error is not None
                self._context.fail(task, committed.error)
        self._context.succeed(stored)
