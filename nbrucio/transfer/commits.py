"""Commit what has arrived, in groups: while one group is made durable, the next one gathers."""

from __future__ import annotations

import queue
import time

from nbrucio.store.lock import Lock
from nbrucio.store.partial import Partial
from nbrucio.store.session import Arrival
from nbrucio.transfer.model import Task
from nbrucio.transfer.run import Run

#: Files that may wait for their commit. Each holds two descriptors, of which a process often has 1,024.
_WAITING = 128

#: How long a group gathers while more files are on their way. Every flush makes the disk's journal write, and what
#: other threads create meanwhile waits for it.
_GATHER_S = 0.1

_Item = tuple[Task, Partial, Lock]


class Commits:
    """The one thread that commits. `add` may be called from any."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._items: queue.Queue[_Item | None] = queue.Queue(_WAITING)

    def add(self, task: Task, partial: Partial, lock: Lock) -> None:
        """Commit ``partial``, whose bytes are right, and then release ``lock``; waits when too many are waiting."""
        self._items.put((task, partial, lock))

    def close(self) -> None:
        """Let `work` return once it has nothing left."""
        self._items.put(None)

    def work(self) -> None:
        """Commit until closed."""
        while (first := self._items.get()) is not None:
            group = [first]
            deadline = time.monotonic() + _GATHER_S
            while (item := self._next(group, deadline)) is not None:
                group.append(item)
            self._commit(group)

    def _next(self, group: list[_Item], deadline: float) -> _Item | None:
        """One more for the group; None when it is full, time is up or nothing more comes."""
        wait_s = max(0.0, deadline - time.monotonic()) if self._run.open_tasks() > len(group) else 0.0
        if len(group) >= _WAITING:
            return None
        try:
            item = self._items.get(timeout=wait_s) if wait_s else self._items.get_nowait()
        except queue.Empty:
            return None
        if item is None:
            self._items.put(None)
        return item

    def _commit(self, group: list[_Item]) -> None:
        arrivals = [Arrival(task.instance, task.entry, partial) for task, partial, _ in group]
        for (task, _, lock), committed in zip(group, self._run.session.commit(arrivals), strict=True):
            lock.release()
            if committed.moved_aside is not None:
                self._run.notice_moved(task.entry.did, committed.moved_aside)
            if committed.stored is not None:
                self._run.succeed(task, committed.stored)
            else:
                assert committed.error is not None
                self._run.fail(task, committed.error)
