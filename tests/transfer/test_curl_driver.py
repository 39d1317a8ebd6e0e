"""Requests that share a driver: their ends, their connections, and a driver that fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pycurl
import pytest

from nbrucio.core.files import Replica
from nbrucio.disk.threads import DaemonThread
from nbrucio.store import Store
from nbrucio.transfer.curl_driver import CurlDriver, CurlRequest
from nbrucio.transfer.curl_pool import ConnectionKey, CurlPool, curl_options
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import Outcome, StorageAccess, Task
from nbrucio.transfer.urls import origin_of
from tests.support.faulty_disk import INSTANCE, entry
from tests.support.hostile_storage import GOOD, Hostile
from tests.support.limits import few_files
from tests.support.listener import Listener
from tests.transfer.conftest import QUICK

NewRequest = Callable[[str], CurlRequest]


@pytest.fixture
def driver() -> Iterator[CurlDriver]:
    driver = CurlDriver()
    yield driver
    driver.close()


@pytest.fixture
def arrived() -> list[bytes]:
    return []


@pytest.fixture
def asking(server: Hostile, access: StorageAccess, driver: CurlDriver, arrived: list[bytes]) -> NewRequest:
    """Make a request for a path of the server."""

    def asking(path: str) -> CurlRequest:
        curl = pycurl.Curl()
        options = curl_options(access, QUICK, with_certificate=False)
        for name, value in {**options, "URL": server.url(path), "WRITEFUNCTION": arrived.append}.items():
            curl.setopt(getattr(pycurl, name), value)
        return CurlRequest(curl, driver)

    return asking


def _begun(request: CurlRequest) -> tuple[threading.Thread, list[BaseException]]:
    """Perform a request in a thread; return it and the list that gets its error."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            request.perform()
        except Exception as error:  # noqa: BLE001 the test looks at it
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, errors


def _ended(thread: threading.Thread) -> bool:
    thread.join(10)
    return not thread.is_alive()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def _connections(server: Hostile) -> list[object]:
    """The list of the connections that the server accepts from now on."""
    accepted: list[object] = []
    wrap = server._context.wrap_socket

    def counted(*arguments: object, **options: object) -> object:
        accepted.append(1)
        return wrap(*arguments, **options)  # type: ignore[arg-type]

    server._context.wrap_socket = counted  # type: ignore[method-assign,assignment]
    return accepted


def test_one_request_after_another_uses_the_same_connection(
    server: Hostile, asking: NewRequest, arrived: list[bytes]
) -> None:
    accepted = _connections(server)
    for n in range(3):
        asking(f"good/{n}").perform()
    assert b"".join(arrived) == 3 * GOOD
    assert len(accepted) == 1


def test_a_request_that_is_aborted_before_it_begins_is_never_sent(server: Hostile, asking: NewRequest) -> None:
    request = asking("mute")
    request.abort()
    with pytest.raises(pycurl.error) as caught:
        request.perform()
    assert caught.value.args[0] == pycurl.E_ABORTED_BY_CALLBACK
    assert server.requests == []


def test_an_aborted_request_ends_alone(server: Hostile, asking: NewRequest, arrived: list[bytes]) -> None:
    silent, errors = _begun(request := asking("mute"))
    _until(lambda: len(server.requests) == 1)
    asking("good/1").perform()
    request.abort()
    assert _ended(silent)
    assert [error.args[0] for error in errors] == [pycurl.E_ABORTED_BY_CALLBACK]
    asking("good/2").perform()
    assert b"".join(arrived) == 2 * GOOD


def test_the_next_request_of_a_handle_is_not_ended_by_an_abort_of_the_last_one(
    driver: CurlDriver, asking: NewRequest, arrived: list[bytes]
) -> None:
    first = asking("good/1")
    first.perform()
    second = CurlRequest(first.curl, driver)
    driver.call(lambda: driver.begin(second))
    first.abort()
    assert second._ended.get(timeout=10) is None
    assert b"".join(arrived) == 2 * GOOD


def test_a_closed_driver_ends_its_requests_and_takes_no_more(
    server: Hostile, driver: CurlDriver, asking: NewRequest, arrived: list[bytes]
) -> None:
    slow, errors = _begun(asking("slow"))
    _until(lambda: len(server.requests) == 1)
    driver.close()
    assert _ended(slow)
    assert (errors, b"".join(arrived)) == ([], GOOD)
    _until(lambda: not driver.is_alive())
    with pytest.raises(pycurl.error):
        asking("good").perform()


def test_an_error_of_the_driver_ends_its_requests(server: Hostile, driver: CurlDriver, asking: NewRequest) -> None:
    silent, errors = _begun(asking("mute"))
    _until(lambda: len(server.requests) == 1)

    def fail() -> None:
        raise ValueError

    driver.call(fail)
    assert _ended(silent)
    assert [type(error) for error in errors] == [ValueError]
    with pytest.raises(pycurl.error):
        asking("good").perform()


def test_a_driver_that_ends_without_a_word_ends_its_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without memory a thread can neither work nor tell of it."""
    run = DaemonThread.run
    monkeypatch.setattr(DaemonThread, "run", lambda thread: None if thread.name == "nbrucio-https" else run(thread))
    with pytest.raises(MemoryError):
        CurlRequest(pycurl.Curl(), CurlDriver()).perform()


def test_nothing_stays_open_after_a_driver() -> None:
    driver = CurlDriver()
    driver.close()
    _until(lambda: not driver.is_alive())
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(20):
        driver = CurlDriver()
        driver.close()
        _until(lambda: not driver.is_alive())  # noqa: B023 called at once
    assert len(list(Path("/dev/fd").iterdir())) <= before


@pytest.mark.parametrize("files", range(4))
def test_nothing_stays_open_after_a_driver_that_lacks_files(files: int) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    with few_files(files), pytest.raises((OSError, pycurl.error)):
        CurlDriver()
    assert len(list(Path("/dev/fd").iterdir())) <= before  # other tests' connections may end meanwhile


@pytest.mark.parametrize("name", ["Curl", "CurlMulti"])
def test_a_machine_without_memory_for_libcurl_says_so(
    bring: Callable[..., Outcome], server: Hostile, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail() -> None:
        raise pycurl.error(f"initializing {name} failed")

    monkeypatch.setattr(pycurl, name, fail)
    error = bring(server.url("good")).error
    assert (error and error.message) == (
        "test:good.root was not downloaded: This machine gives nbrucio no more memory or threads."
    )
    _until(lambda: "nbrucio-https" not in [thread.name for thread in threading.enumerate()])


@pytest.mark.parametrize("threads", [0, 1])
def test_a_machine_without_one_more_thread_says_so_unless_there_is_one(
    server: Hostile,
    store: Store,
    access: StorageAccess,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
) -> None:
    start, left = threading.Thread.start, [None] * threads

    def limited(thread: threading.Thread) -> None:
        if thread.name == "nbrucio-https":
            if not left:
                raise RuntimeError("can't start new thread")
            left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("R", server.url(f"slow/{n}")),)) for n in range(3)]
    if not threads:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            fetch(tasks, store, {INSTANCE: access}, listener, limits=QUICK)
        return
    assert all(one.stored for one in fetch(tasks, store, {INSTANCE: access}, listener))
    assert server.were_several


def test_requests_with_our_certificate_share_no_connection_with_others(
    server: Hostile, access: StorageAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbrucio.transfer.curl_pool._DRIVERS", 1)
    accepted = _connections(server)
    pool = CurlPool(access, QUICK)
    origin = origin_of(server.url("good"))
    for with_certificate in (True, False, True, False):
        with pool.handle(ConnectionKey(origin, with_certificate)) as handle:
            handle.set(URL=server.url("good"), WRITEFUNCTION=len)
            handle.request().perform()
    pool.close()
    assert len(accepted) == 2


def test_connections_that_fewer_requests_do_not_need_are_closed(
    server: Hostile, access: StorageAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storage may count them."""
    monkeypatch.setattr("nbrucio.transfer.curl_pool._IDLE_S", 0.0)
    pool = CurlPool(access, QUICK)
    key = ConnectionKey(origin_of(server.url("good")), with_certificate=False)

    def read(path: str) -> None:
        with pool.handle(key) as handle:
            handle.set(URL=server.url(path), WRITEFUNCTION=len)
            handle.request().perform()

    threads = [threading.Thread(target=read, args=("gate",), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    _until(lambda: len(server.requests) == 8)
    assert server.open_connections == 8
    server.gate.set()
    assert all(map(_ended, threads))
    for n in range(20):
        read(f"good/{n}")
    _until(lambda: server.open_connections == 1)
    pool.close()
    _until(lambda: server.open_connections == 0)
