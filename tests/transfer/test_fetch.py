"""How a run treats hosts, other writers and cancellation.

With `resume = True` in `store.session.Session.begin`, a file without a checksum gets the bytes of an earlier one. With
`_has_lost_one` returning False in `transfer.fetch.WorkerPool`, a run whose threads have no memory never ends.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.core.events import BytesArrived, Event, FileFinished, FileRetried, FileStarted, SilentReporter, Waiting
from nbrucio.core.files import Replica
from nbrucio.disk.threads import DaemonThread
from nbrucio.errors import Interrupted, TransferFailed
from nbrucio.store import Store
from nbrucio.transfer import concurrency
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import StorageAccess, Task, TransferLimits
from tests.support.faulty_disk import INSTANCE, LOCAL, entry, file_task, partials
from tests.support.hostile_storage import GOOD, Hostile
from tests.support.listener import Listener
from tests.transfer.conftest import QUICK, task

pytestmark = pytest.mark.trust("S")

SLOW = TransferLimits(backoff_s=0.01)


def _when(listener: Listener, kind: type, event: threading.Event) -> None:
    """Set ``event`` once something of this kind was heard."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not any(isinstance(heard, kind) for heard in listener.events):
        time.sleep(0.01)
    event.set()


@pytest.mark.parametrize("how", ["slow", "mute", "stall", "trickle"])
def test_a_cancel_ends_the_run_before_the_server_does(
    server: Hostile, store: Store, access: StorageAccess, how: str
) -> None:
    cancel, listener = threading.Event(), Listener()
    threading.Thread(target=_when, args=(listener, FileStarted, cancel)).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        fetch([task(server.url(how))], store, {INSTANCE: access}, listener, limits=SLOW, cancel=cancel)
    assert cancel.is_set()
    assert time.monotonic() - began < 20  # the server would hold it for longer


def test_what_a_cancelled_run_has_is_resumed_by_the_next_one(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    cancel, listener = threading.Event(), Listener()
    threading.Thread(target=_when, args=(listener, BytesArrived, cancel)).start()
    with pytest.raises(Interrupted):
        fetch([task(server.url("slow"))], store, {INSTANCE: access}, listener, limits=SLOW, cancel=cancel)
    (partial,) = partials(store.root)
    have = partial.stat().st_size
    assert have > 0
    again = Listener()
    (outcome,) = fetch([task(server.url("slow"))], store, {INSTANCE: access}, again, limits=SLOW)
    assert outcome.stored is not None
    assert outcome.stored.path.read_bytes() == GOOD
    assert [event.resumed_bytes for event in again.events if isinstance(event, FileStarted)] == [have]
    assert server.requests[-1].sent == len(GOOD) - have


def test_resumed_bytes_that_were_wrong_are_fetched_again_from_the_same_replica(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    session = store.session()
    partial = session.begin(INSTANCE, entry("good.root", GOOD), lambda: None)
    partial.write(b"\1" * 1000)
    partial.keep()
    (outcome,) = fetch([task(server.url("good"))], store, {INSTANCE: access}, SilentReporter(), limits=QUICK)
    assert outcome.stored is not None
    assert [request.offset for request in server.requests] == [1000, 0]


def test_without_a_checksum_nothing_is_resumed(server: Hostile, store: Store, access: StorageAccess) -> None:
    unknown = entry("good.root", GOOD)._replace(adler32=None)
    session = store.session()
    session.begin(INSTANCE, entry("good.root", GOOD), lambda: None).keep()
    (left,) = partials(store.root)
    left.write_bytes(b"\1" * 1000)
    replicas = (Replica("R", server.url("good")),)
    (outcome,) = fetch([Task(INSTANCE, unknown, replicas)], store, {INSTANCE: access}, SilentReporter())
    assert outcome.stored is not None
    assert outcome.stored.path.read_bytes() == GOOD
    assert partials(store.root) == []


@pytest.mark.parametrize("locks", [True, False])
def test_two_runs_at_once_both_get_the_file(server: Hostile, store: Store, access: StorageAccess, locks: bool) -> None:
    listeners = [Listener(), Listener()]
    outcomes = []

    def run(listener: Listener) -> None:
        mine = Store(store.root, locks=locks)
        outcomes.extend(fetch([task(server.url("slow"))], mine, {INSTANCE: access}, listener, limits=SLOW))

    threads = [threading.Thread(target=run, args=(listener,)) for listener in listeners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 2
    for outcome in outcomes:
        assert outcome.stored is not None
        assert outcome.stored.path.read_bytes() == GOOD
    waited = sum(isinstance(event, Waiting) for listener in listeners for event in listener.events)
    assert waited == (1 if locks else 0)
    assert len(server.requests) == (1 if locks else 2)
    assert partials(store.root) == []


def test_a_dead_host_is_left_alone_for_the_rest_of_the_run(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("BAD", server.url(f"status/503/{n}")),)) for n in range(40)]
    outcomes = fetch(tasks, store, {INSTANCE: access}, SilentReporter(), limits=QUICK)
    assert all(isinstance(outcome.error, TransferFailed) for outcome in outcomes)
    assert len(server.requests) < 160, "four attempts for each of forty files"
    # Not of each: one that was under way when the host was given up has its own cause.
    assert any("BAD: its host failed in this run (HTTP 503)." in str(outcome.error) for outcome in outcomes)


def test_files_of_a_host_that_was_given_up_are_kept_to_be_resumed(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("BUSY", server.url(f"fades/{n}")),)) for n in range(20)]
    outcomes = fetch(tasks, store, {INSTANCE: access}, SilentReporter(), limits=QUICK)
    assert any("its host failed in this run (HTTP 503)" in str(outcome.error) for outcome in outcomes)
    for outcome in outcomes:
        assert outcome.error is not None
        assert outcome.error.hint == "Try again later. The next sync resumes partial downloads."
    assert [path.stat().st_size for path in partials(store.root)] == [1000] * 20
    again = [Task(INSTANCE, one.entry, (Replica("BUSY", server.url(f"good/{n}")),)) for n, one in enumerate(tasks)]
    assert all(outcome.stored for outcome in fetch(again, store, {INSTANCE: access}, SilentReporter(), limits=QUICK))
    assert {request.offset for request in server.requests[-20:]} == {1000}


def test_an_attempt_is_reported_only_if_another_one_follows(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    listener = Listener()
    (outcome,) = fetch(
        [task(server.url("status/404/a"), server.url("status/404/b"))],
        *(store, {INSTANCE: access}, listener),
        limits=QUICK,
    )
    assert isinstance(outcome.error, TransferFailed)
    assert [event.rse for event in listener.events if isinstance(event, FileRetried)] == ["RSE0"]


def test_limits_are_kept_per_host_and_in_total(server: Hostile, store: Store, access: StorageAccess) -> None:
    active, most, guard = [0], [0], threading.Lock()
    slow = server._do_slow

    def counted(*args: object) -> bool:
        with guard:
            active[0] += 1
            most[0] = max(most[0], active[0])
        try:
            return slow(*args)  # type: ignore[arg-type]
        finally:
            with guard:
                active[0] -= 1

    server._do_slow = counted  # type: ignore[method-assign]
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("R", server.url(f"slow/{n}")),)) for n in range(6)]
    fetch(tasks, store, {INSTANCE: access}, SilentReporter(), limits=replace(SLOW, per_host=2, total=8))
    assert most[0] == 2


def test_a_full_line_of_causes_is_in_the_error(store: Store, tmp_path: Path) -> None:
    replicas = (Replica("ONE", "file:///gone"), Replica("TWO", "gopher://x/y"), Replica("THREE", f"file://{tmp_path}"))
    (outcome,) = fetch([Task(INSTANCE, entry("x", GOOD), replicas)], store, LOCAL, SilentReporter())
    assert str(outcome.error) == (
        "test:x could not be read from any replica. ONE: No such file or directory; "
        "TWO: nbrucio does not support the protocol 'gopher'; THREE: it is not a regular file."
    )


@pytest.mark.parametrize(
    ("pfn", "cause"),
    [
        *(
            (f"{scheme}://se.example:8443/f", f"does not support the protocol '{scheme}'")
            for scheme in ("srm", "gsiftp", "s3")
        ),
        ("s rm\x1b://x", "does not support the protocol"),
        ("", "does not support the protocol ''"),
        ("https://[bad/x", "its URL cannot be read"),
        ("https://se.example:99999999/x", "its URL cannot be read"),
        ("https://\udcff/x", "its URL cannot be read"),
        ("root://\udc80//x", "its URL cannot be read"),
        ("root://h//a\0b", "its URL cannot be read"),
        ("root://h:port//x", "Invalid arguments"),
        ("file://other/f", "the file is on another host"),
    ],
)
def test_a_replica_whose_url_cannot_be_read_costs_its_file_alone(
    store: Store, access: StorageAccess, server: Hostile, pfn: str, cause: str
) -> None:
    """Tests have Rucio's server package installed, whose presence must not matter."""
    good = Task(INSTANCE, entry("good", GOOD), (Replica("GOOD", server.url("good")),))
    bad = Task(INSTANCE, entry("bad", GOOD), (Replica("BAD", pfn),))
    first, second = fetch([bad, good], store, {INSTANCE: access}, SilentReporter(), limits=QUICK)
    assert cause in str(first.error)
    assert isinstance(first.error, TransferFailed)
    assert second.stored is not None


def test_an_iterator_is_never_asked_for_many_files_ahead(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replicas of all files of a large dataset would fill the memory."""
    monkeypatch.setattr("nbrucio.transfer.fetch.AHEAD", 3)
    done: set[Did] = set()
    ahead = []

    class Counting(SilentReporter):
        def report(self, event: Event) -> None:
            if isinstance(event, FileFinished):
                done.add(event.did)

    def tasks() -> Iterator[Task]:
        for number in range(20):
            ahead.append(number - len(done))
            yield file_task(tmp_path / "rse", f"{number}", b"x" * 10)

    outcomes = fetch(tasks(), store, LOCAL, Counting(), limits=QUICK)
    assert len(outcomes) == 20
    assert all(outcome.stored for outcome in outcomes)
    assert max(ahead) <= 4, "the one that waits, and three that are not done"


def test_of_thousands_of_dead_replicas_a_few_are_tried_and_the_error_counts_them(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    many = task(*(server.url(f"status/404/{n}") for n in range(3000)))
    (outcome,) = fetch([many], store, {INSTANCE: access}, SilentReporter(), limits=replace(QUICK, replicas=7))
    assert isinstance(outcome.error, TransferFailed)
    assert "7 of 3000 replicas were tried." in outcome.error.message
    assert "--rse" in (outcome.error.hint or "")
    assert len(server.requests) == 7


def test_a_good_replica_after_replicas_that_are_not_worth_an_attempt_is_tried(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    pfns = [f"srm://storage.example/{n}" for n in range(100)]
    (outcome,) = fetch([task(*pfns, server.url("good"))], store, {INSTANCE: access}, SilentReporter(), limits=QUICK)
    assert outcome.stored is not None


@pytest.mark.parametrize("threads", [0, 1])
def test_a_limit_on_threads_ends_no_download_while_one_thread_can_be_had(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        _, _, number = thread.name.partition("nbrucio-transfer-")
        if number and int(number) > threads:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    tasks = [file_task(tmp_path / "rse", f"{n}.root", bytes([n]) * 5000) for n in range(8)]
    if not threads:
        with pytest.raises(RuntimeError):
            fetch(tasks, store, LOCAL, SilentReporter())
        return
    assert all(outcome.stored for outcome in fetch(tasks, store, LOCAL, SilentReporter()))


def test_the_number_of_cores_may_be_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: int) -> set[int]:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_getaffinity", forbidden)
    assert concurrency._cores() >= 1


@pytest.mark.parametrize("lost", ["commit", "feed", "transfer"])
def test_a_thread_that_ends_without_a_word_ends_the_run(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """Without memory a thread can neither work nor tell of it."""
    run = DaemonThread.run
    monkeypatch.setattr(DaemonThread, "run", lambda thread: None if lost in thread.name else run(thread))
    with pytest.raises(MemoryError):
        fetch(iter([file_task(tmp_path / "rse", "x.root", b"x")]), store, LOCAL, SilentReporter())
