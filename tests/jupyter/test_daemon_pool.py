"""The pool of threads that a process may end without."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from nbrucio.jupyter.daemon_pool import DaemonPool, SharedPool
from nbrucio.jupyter.extension import NbrucioApp


def test_results_and_errors_come_back() -> None:
    pool = DaemonPool(2, "test")
    assert [pool.submit(pow, 2, n).result(5) for n in range(5)] == [1, 2, 4, 8, 16]
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(5)
    pool.shutdown()


def test_no_more_calls_run_at_once_than_there_are_threads() -> None:
    pool = DaemonPool(2, "test")
    gate, running, most = threading.Event(), threading.Semaphore(2), []

    def call() -> None:
        most.append(running.acquire(blocking=False))
        gate.wait(5)
        running.release()

    calls = [pool.submit(call) for _ in range(6)]
    gate.set()
    for one in calls:
        one.result(5)
    assert all(most)
    pool.shutdown()


def test_a_closed_pool_takes_nothing_and_cancels_what_waits() -> None:
    pool = DaemonPool(1, "test")
    gate = threading.Event()
    first, second = pool.submit(gate.wait, 5), pool.submit(pow, 2, 2)
    pool.shutdown(wait=False, cancel_futures=True)
    assert second.cancelled()
    with pytest.raises(RuntimeError):
        pool.submit(pow, 2, 2)
    gate.set()
    assert first.result(5)


def test_a_process_ends_although_a_call_hangs() -> None:
    code = (
        "import threading; from nbrucio.jupyter.daemon_pool import DaemonPool\n"
        "pool = DaemonPool(1, 'test'); pool.submit(threading.Event().wait); pool.shutdown(timeout_s=0.1)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_calls_about_one_thing_keep_no_others_waiting() -> None:
    pool, gate = SharedPool(6, 2, "test"), threading.Event()
    stuck = [pool.about("silent").submit(gate.wait, 10) for _ in range(20)]
    assert pool.about("other").submit(pow, 2, 3).result(5) == 8
    assert sum(one.running() for one in stuck) == 2
    assert stuck[-1].cancel()
    gate.set()
    assert all(one.result(5) for one in stuck[:-1])
    assert pool.about("silent").submit(pow, 2, 4).result(5) == 16
    pool.shutdown()


def test_a_shared_pool_that_is_closed_cancels_what_waits() -> None:
    pool, gate = SharedPool(2, 1, "test"), threading.Event()
    running, waiting = (pool.about("one").submit(gate.wait, 10) for _ in range(2))
    while not running.running():
        threading.Event().wait(0.01)
    pool.shutdown(wait=False, cancel_futures=True)
    assert waiting.cancelled()
    gate.set()
    assert running.result(5)


@pytest.mark.parametrize("action", ["save", "rename"])
def test_a_server_that_stops_may_still_save_its_documents(action: str) -> None:
    app = NbrucioApp()
    app.local_pool = DaemonPool(1, "test")
    app.local_pool.shutdown()
    app._loop = None  # as `stop_extension` leaves it
    asyncio.run(app._contents_changed(None, "", {"action": action, "path": "a.ipynb", "source_path": "b.ipynb"}))
