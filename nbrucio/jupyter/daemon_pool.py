"""Pools of daemon threads. With those of `concurrent.futures`, a server would not stop while Rucio does not answer."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from nbrucio.disk.threads import DaemonThread

T = TypeVar("T")
P = ParamSpec("P")
_Call = tuple["Future[Any]", Callable[[], Any]]


class DaemonPool(Executor):
    """At most ``workers`` daemon threads, started when they are needed."""

    def __init__(self, workers: int, name: str) -> None:
        self._workers = workers
        self._name = name
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See `Executor`.

        Raises:
            RuntimeError: the pool is closed.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            self._calls.put((future, lambda: function(*args, **kwargs)))
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._workers:
                thread = DaemonThread(self._work, self._name)
                thread.start()
                self._threads.append(thread)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False, timeout_s: float = 5.0) -> None:
        """Start no more calls; with ``wait``, wait up to ``timeout_s`` for the running ones."""
        with self._lock:
            self._closed = True
            if cancel_futures:
                self._cancel_waiting()
            for _ in self._threads:
                self._calls.put(None)
        share = timeout_s / max(1, len(self._threads))
        for thread in self._threads if wait else ():
            thread.join(share)

    def _cancel_waiting(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return
            if call is not None:
                call[0].cancel()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            _settle(future, function)
            self._idle.release()


class SharedPool:
    """A pool of at most ``workers`` daemon threads. Calls with the same key use at most ``share`` of them at once.

    One unresponsive instance therefore does not block requests to others.
    """

    def __init__(self, workers: int, share: int, name: str) -> None:
        self._pool = DaemonPool(workers, name)
        self._share = share
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[_Call]] = {}
        self._serving: dict[str, int] = {}

    def about(self, key: str) -> Executor:
        """Return the executor for calls with ``key``."""
        return _KeyExecutor(self, key)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `DaemonPool`."""
        with self._lock:
            for future, _ in (call for calls in self._waiting.values() for call in calls):
                future.cancel()
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def put(self, key: str, call: _Call) -> None:
        """Run ``call`` as soon as a thread is free.

        Raises:
            RuntimeError: the pool is closed.
        """
        with self._lock:
            self._waiting.setdefault(key, deque()).append(call)
            serving = self._serving.get(key, 0)
            if serving == self._share:
                return
            self._serving[key] = serving + 1
        self._pool.submit(self._serve, key)

    def _serve(self, key: str) -> None:
        while call := self._next(key):
            _settle(*call)

    def _next(self, key: str) -> _Call | None:
        with self._lock:
            if calls := self._waiting.get(key):
                return calls.popleft()
            self._serving[key] -= 1
            if not self._serving[key]:
                del self._serving[key]
                self._waiting.pop(key, None)
            return None


class _KeyExecutor(Executor):
    def __init__(self, pool: SharedPool, key: str) -> None:
        self._pool = pool
        self._key = key

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        self._pool.put(self._key, (future, lambda: function(*args, **kwargs)))
        return future


def _settle(future: Future[Any], function: Callable[[], Any]) -> None:
    """Run ``function`` for ``future``, unless that was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
        future.set_exception(error)
    else:
        future.set_result(result)
