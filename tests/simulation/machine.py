"""Processes of a simulated machine. They run one at a time: another one runs only inside a call of the running one, at
a point that the seed chooses, and to its end.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from filelock import Timeout

from nbrucio.disk import leftovers, locks, process
from nbrucio.store.partial import Partials
from tests.simulation.clock import Clock

_PLACE = "0123456789abcdef"


class Killed(BaseException):
    """The running process was killed: none of its later calls has an effect."""


class Idle(Exception):
    """A thread waits for something that no other thread will do now."""


class Process:
    """One process.

    Attributes:
        pending: what happens at its n-th call.
        calls: number of its calls; ``last`` is the last one.
        is_dead: whether it was killed.
        descriptors: the open files that the system closes when it ends.
    """

    def __init__(self, pid: int, pending: Mapping[int, Callable[[], None]]) -> None:
        self.pid = pid
        self.pending = dict(pending)
        self.calls = 0
        self.last = ""
        self.is_dead = False
        self.descriptors: set[int] = set()


class Machine:
    """The processes, their locks, and what each call of the running one is."""

    def __init__(self, clock: Clock, note: Callable[[str], None]) -> None:
        self.clock = clock
        self.note = note
        self.running: list[Process] = []
        self.locks: dict[str, int] = {}
        #: ``honest``; ``absent``: refused; ``lying``: everybody gets each lock.
        self.locking = "honest"
        self._pids = 0

    @property
    def current(self) -> Process | None:
        """The running process."""
        return self.running[-1] if self.running else None

    def call(self, words: str) -> None:
        """Count a call of the running process, and let happen what is due at it.

        Raises:
            Killed: the process was killed, now or before.
        """
        self.clock.tick()
        current = self.current
        if current is None:
            return
        if current.is_dead:
            raise Killed
        current.calls += 1
        current.last = words
        self.note(f"{current.pid} {words}")
        due = current.pending.pop(current.calls, None)
        if due is not None:
            due()

    def kill(self) -> None:
        """Kill the running process."""
        current = self.current
        assert current is not None
        current.is_dead = True
        raise Killed

    @contextmanager
    def process(self, pending: Mapping[int, Callable[[], None]]) -> Iterator[Process]:
        """Run the block as a new process. A kill ends the block."""
        self._pids += 1
        own = Process(self._pids, pending)
        self.running.append(own)
        try:
            with (
                mock.patch.object(Partials, "_held", set()),
                mock.patch.object(Partials, "_guard", threading.Lock()),
                mock.patch.object(leftovers, "_swept", {}),
            ):
                yield own
        except Killed:
            assert own.is_dead
        finally:
            self.running.pop()
            self.locks = {path: pid for path, pid in self.locks.items() if pid != own.pid}
            for descriptor in own.descriptors:
                os.close(descriptor)
            own.descriptors.clear()

    def this_process(self) -> tuple[str, int, int]:
        """See `nbrucio.disk.process.this_process`."""
        return _PLACE, self.current.pid if self.current else 0, 1

    def is_dead(self, place: str, pid: int, start: int) -> bool:
        """See `nbrucio.disk.process.is_dead`."""
        return (place, start) == (_PLACE, 1) and all(pid != one.pid for one in self.running)

    def patches(self) -> list[Any]:
        """Return what gives the product these processes."""
        return [
            mock.patch.object(process, "this_process", self.this_process),
            mock.patch.object(process, "is_dead", self.is_dead),
            mock.patch.object(leftovers, "this_process", self.this_process),
            mock.patch.object(leftovers, "is_dead", self.is_dead),
            mock.patch("filelock.FileLock", lambda path, **_: VirtualLock(self, path)),
            mock.patch.object(locks, "ask_for_lock", lambda _, request: request()),  # in this thread
        ]


class VirtualLock:
    """Takes the place of ``filelock.FileLock``."""

    def __init__(self, machine: Machine, path: str) -> None:
        self._machine = machine
        self._path = path
        self._is_mine = False

    def acquire(self, timeout: float = 0.0, *, blocking: bool = True) -> None:
        """Take the lock, or wait in vain if ``blocking``: no other process runs meanwhile."""
        machine = self._machine
        machine.call("lock file")
        if machine.locking == "absent":
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        if machine.locking == "lying" or self._path not in machine.locks:
            machine.locks[self._path] = machine.current.pid if machine.current else 0
            self._is_mine = True
            return
        if blocking:
            machine.clock.advance(timeout)
        raise Timeout(self._path)

    def release(self) -> None:
        """Release the lock."""
        if self._is_mine:
            self._machine.locks.pop(self._path, None)


class VirtualThread:
    """Takes the place of ``threading.Thread``: the work is done when another thread waits for it."""

    def __init__(self, machine: Machine, target: Callable[..., object], args: tuple[Any, ...] = (), **_: Any) -> None:
        self._machine = machine
        self._work = lambda: target(*args)
        self._left = False

    def start(self) -> None:
        """Begin."""
        self._left = True

    def is_alive(self) -> bool:
        """Whether the work is not done."""
        return self._left

    def join(self, _: float | None = None) -> None:
        """Do the work."""
        current = self._machine.current
        if self._left and not (current and current.is_dead):
            self._left = False
            self._work()


class VirtualCondition:
    """Takes the place of ``threading.Condition``: waiting lets time pass."""

    def __init__(self, machine: Machine, _: object = None) -> None:
        self._machine = machine

    def __enter__(self) -> None:
        """Do nothing: there is one thread."""

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def notify(self) -> None:
        """Do nothing."""

    notify_all = notify

    def wait(self, timeout: float | None = None) -> None:
        """Let ``timeout`` pass.

        Raises:
            Idle: there is none.
        """
        if timeout is None:
            raise Idle
        self._machine.clock.advance(timeout)


class VirtualThreading:
    """Takes the place of the module ``threading``."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def Thread(self, target: Callable[..., object], **options: Any) -> VirtualThread:  # noqa: N802 the module's name
        """Return a thread."""
        return VirtualThread(self._machine, target, **options)

    def Condition(self, lock: object = None) -> VirtualCondition:  # noqa: N802 the module's name
        """Return a condition."""
        return VirtualCondition(self._machine, lock)

    def __getattr__(self, name: str) -> Any:
        return getattr(threading, name)


class SequentialPool:
    """Takes the place of ``ThreadPoolExecutor``."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> SequentialPool:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, work: Callable[[Any], Any], items: Any) -> Iterator[Any]:
        """Do the work when its results are taken."""
        return map(work, list(items))

    def shutdown(self, **_: object) -> None:
        """Do nothing."""
