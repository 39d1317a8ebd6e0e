"""Requests of many libcurl handles, run by one thread, so that 64 connections are not 64 threads that take turns.

libcurl hands over 16 kB at a time, each with the interpreter's lock.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from nbrucio.disk.threads import DaemonThread

if TYPE_CHECKING:
    import pycurl

#: Interval in seconds at which a waiting thread looks whether the driver's thread still lives.
_LOOK_S = 1.0


class CurlRequest:
    """One request of a handle whose options are set. Runs once.

    Args:
        curl: the handle, used by nobody else until `perform` returns.
        driver: whose connections it may use.
    """

    def __init__(self, curl: pycurl.Curl, driver: CurlDriver) -> None:
        self.curl = curl
        self.is_aborted = False
        self._driver = driver
        #: The error of the request, or None, once it has ended. A queue of one item: `threading.Event` is written in
        #: Python, and took 40 of the 400 microseconds that a small file costs.
        self._ended: SimpleQueue[Exception | None] = SimpleQueue()

    def perform(self) -> None:
        """Run the request to its end.

        Raises:
            pycurl.error: as by ``pycurl.Curl.perform``; ``E_ABORTED_BY_CALLBACK`` after `abort`.
            MemoryError: the driver's thread ended without a word.
        """
        if not self._driver.call(lambda: self._driver.begin(self)):
            raise aborted()
        error = self._wait()
        if error is not None:
            raise error

    def abort(self) -> None:
        """End the request soon, or as soon as it begins. Any thread may call it, also after the request's end."""
        self.is_aborted = True
        self._driver.call(lambda: self._driver.abort(self))

    def end(self, error: Exception | None) -> None:
        """Let `perform` return, or raise ``error``."""
        self._ended.put(error)

    def _wait(self) -> Exception | None:
        while True:
            is_alive = self._driver.is_alive()
            with suppress(Empty):
                return self._ended.get(timeout=_LOOK_S)
            if not is_alive:
                raise MemoryError("a thread ended without a word")


class CurlDriver:
    """A thread that runs requests at the same time over its own connections, which stay open until `close`.

    Any thread may use `call`, `keep`, `is_alive` and `close`; `begin` and `abort` are for calls in the driver's thread.

    Raises:
        RuntimeError: this machine gives no more threads.
        OSError, MemoryError, pycurl.error: nor open files or memory.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._calls: list[Callable[[], None]] = []
        self._is_over = self._is_closed = False
        self._running: dict[pycurl.Curl, CurlRequest] = {}
        self._deadline: float | None = None
        self._opened = ExitStack()
        try:
            self._open()
            self._thread = DaemonThread(self._run, "nbrucio-https")
            self._thread.start()
        except BaseException:
            self._opened.close()
            raise

    def call(self, function: Callable[[], None]) -> bool:
        """Call ``function`` in the driver's thread soon; False, and nothing happens, if the thread has ended."""
        with self._guard:
            if not self._is_over:
                self._calls.append(function)
                if len(self._calls) == 1:
                    os.write(self._rope, b"!")
            return not self._is_over

    def keep(self, connections: int) -> None:
        """Keep at most so many connections open; one that is not needed is closed when the next request ends."""
        import pycurl

        self.call(lambda: self._multi.setopt(pycurl.M_MAXCONNECTS, connections))

    def is_alive(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the thread, and close the connections, as soon as no request runs."""
        self.call(self._close)

    def begin(self, request: CurlRequest) -> None:
        """Begin a request."""
        if request.is_aborted:
            request.end(aborted())
        else:
            self._running[request.curl] = request
            self._multi.add_handle(request.curl)

    def abort(self, request: CurlRequest) -> None:
        """End a request if it runs; its connection is closed."""
        if self._running.get(request.curl) is request:
            self._end(request.curl, aborted())

    def _open(self) -> None:
        import pycurl

        self._bell, self._rope = os.pipe()
        self._opened.callback(os.close, self._rope)
        self._opened.callback(os.close, self._bell)
        self._selector = selectors.DefaultSelector()
        self._opened.callback(self._selector.close)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._multi = pycurl.CurlMulti()
        self._opened.callback(self._multi.close)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._remind)

    def _close(self) -> None:
        self._is_closed = True

    def _end(self, curl: pycurl.Curl, error: Exception | None) -> None:
        self._multi.remove_handle(curl)
        self._running.pop(curl).end(error)

    def _run(self) -> None:
        try:
            while not self._is_finished():
                self._step()
        except Exception as error:  # noqa: BLE001 the threads that wait for their requests raise it
            with self._guard:
                self._is_over = True
            for request in self._running.values():
                request.end(error)
            self._running.clear()
        self._opened.close()

    def _is_finished(self) -> bool:
        with self._guard:
            self._is_over = self._is_closed and not self._running and not self._calls
            return self._is_over

    def _step(self) -> None:
        """Wait until something happens on a socket, a time is reached or a call arrives, and act on it."""
        import pycurl

        now = time.monotonic()
        events = self._selector.select(None if self._deadline is None else max(0.0, self._deadline - now))
        for key, mask in events:
            if key.fd == self._bell:
                self._answer()
            else:
                has = (mask & selectors.EVENT_READ and pycurl.CSELECT_IN) | (
                    mask & selectors.EVENT_WRITE and pycurl.CSELECT_OUT
                )
                self._multi.socket_action(key.fd, has)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._deadline = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        left = 1
        while left:
            left, ended, failed = self._multi.info_read()
            for curl in ended:
                self._end(curl, None)
            for curl, code, text in failed:
                self._end(curl, pycurl.error(code, text))

    def _answer(self) -> None:
        os.read(self._bell, 1)  # first, so that a call which comes now rings again
        with self._guard:
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    def _watch(self, what: int, descriptor: int, _multi: object, _data: object) -> None:
        """Watch a socket as libcurl asks for it."""
        import pycurl

        is_known = descriptor in self._selector.get_map()
        if what == pycurl.POLL_REMOVE:
            if is_known:
                self._selector.unregister(descriptor)
            return
        events = (what & pycurl.POLL_IN and selectors.EVENT_READ) | (what & pycurl.POLL_OUT and selectors.EVENT_WRITE)
        if is_known:
            self._selector.modify(descriptor, events)
        else:
            self._selector.register(descriptor, events)

    def _remind(self, wait_ms: int) -> None:
        """Set the time at which libcurl wants to be called; a negative one cancels it."""
        self._deadline = None if wait_ms < 0 else time.monotonic() + wait_ms / 1000


def aborted() -> Exception:
    """Return what `CurlRequest.perform` raises after `CurlRequest.abort`."""
    import pycurl

    error: Exception = pycurl.error(pycurl.E_ABORTED_BY_CALLBACK, "aborted")
    return error
