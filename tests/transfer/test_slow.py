"""A replica that is slow is left in the middle of a file for one that is faster, or that may be."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest

from nbrucio.core.events import FileRetried, FileStarted, Noticed
from nbrucio.core.files import Replica
from nbrucio.core.hosts import HostBook
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.performance import Performances
from nbrucio.transfer.scheduler import TransferJob
from nbrucio.transfer.slow import at_of, faster, why_leave
from nbrucio.transfer.types import StorageAccess, Task
from tests.support.faulty_disk import INSTANCE, entry
from tests.support.hostile_storage import GOOD, Hostile
from tests.support.listener import Listener
from tests.transfer.conftest import PATIENT

#: As with users, but a rate is known sooner.
SOON = replace(PATIENT, pace_s=0.3)
A, B, C = (Replica(name, f"https://{name.lower()}.example/x") for name in "ABC")


@dataclass(eq=False)
class _Attempt:
    received_bytes: int


class _Paces:
    """RSEs, each measured for ten seconds, and again for as long as it is asked."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self.counted = Performances(1, lambda: self._now_s)

    def read(self, replica: Replica, bytes_per_s: int, seconds: float = 10.0, *, ends: bool = True) -> None:
        attempt = _Attempt(int(bytes_per_s * seconds))
        self.counted.began(at_of(replica), attempt)
        self._now_s += seconds
        self.counted.pace(at_of(replica))
        if ends:
            self.counted.ended(at_of(replica), attempt)


@pytest.fixture
def paces() -> _Paces:
    return _Paces()


def _job(*replicas: Replica) -> TransferJob:
    return TransferJob(Task(INSTANCE, entry("1", GOOD), replicas), list(replicas))


def _usable(_replica: Replica) -> bool:
    return True


def _words(listener: Listener) -> list[str]:
    assert not any(isinstance(event, FileRetried) for event in listener.events)
    return [event.message for event in listener.events if isinstance(event, Noticed)]


def test_the_fastest_of_the_known_goes_before_one_that_is_not_known(paces: _Paces) -> None:
    paces.read(A, 100_000)
    paces.read(C, 250_000)
    assert faster(_job(A, B, C), paces.counted, _usable) == C
    assert faster(_job(A, B, C), paces.counted, lambda one: one != C) == B


def test_one_that_is_little_faster_is_not_worth_it(paces: _Paces) -> None:
    paces.read(A, 100_000)
    paces.read(B, 190_000)
    assert faster(_job(A, B), paces.counted, _usable) is None
    assert faster(_job(B, A), paces.counted, _usable) is None


def test_an_rse_that_is_fast_enough_is_not_left(paces: _Paces) -> None:
    paces.read(A, 1_100_000)
    paces.read(B, 50_000_000)
    assert faster(_job(A, B), paces.counted, _usable) is None


def test_one_file_tries_an_rse_that_is_not_known(paces: _Paces) -> None:
    paces.read(A, 100_000)
    assert faster(_job(A, B, C), paces.counted, _usable) == B
    assert faster(_job(A, B, C), paces.counted, _usable) == C
    assert faster(_job(A, B, C), paces.counted, _usable) is None
    paces.read(B, 400_000, 1.0)
    assert faster(_job(A, B, C), paces.counted, _usable) == B


def test_a_short_reading_makes_an_rse_known_but_not_slow(paces: _Paces) -> None:
    paces.read(A, 100_000, 1.0)
    assert faster(_job(A, B), paces.counted, _usable) is None
    paces.read(A, 100_000)
    paces.read(B, 400_000, 1.0)
    paces.read(B, 1, 0.0, ends=False)
    assert faster(_job(A, B), paces.counted, _usable) == B


def test_an_rse_that_becomes_slow_is_left(paces: _Paces) -> None:
    paces.read(A, 100_000_000, 60.0)
    assert faster(_job(A, B), paces.counted, _usable) is None
    paces.read(A, 10_000)
    assert faster(_job(A, B), paces.counted, _usable) == B


def test_each_replica_is_left_once_and_no_other_protocol_of_its_host_counts(paces: _Paces) -> None:
    paces.read(A, 100_000)
    job = _job(A, B)
    job.slow.add(A.pfn)
    assert faster(job, paces.counted, _usable) is None
    assert faster(_job(A, Replica("B", "https://a.example/y")), paces.counted, _usable) is None
    assert faster(_job(A), paces.counted, _usable) is None


def test_the_end_of_a_file_is_read_where_it_began(paces: _Paces) -> None:
    paces.read(A, 100_000)
    reason = why_leave(_job(A, B), 3_000_000, paces.counted, _usable)
    assert reason is not None
    assert reason.cause == "sends 100.0 kB/s"
    assert why_leave(_job(A, B), 2_999_999, paces.counted, _usable) is None
    assert why_leave(_job(A), 3_000_000, paces.counted, _usable) is None


def test_the_rest_of_a_file_comes_from_the_faster_rse(server: Hostile, store: Store, access: StorageAccess) -> None:
    slow, good = server.url("slow/x"), server.url("good/x", host="127.0.0.1")
    listener, book = Listener(), HostBook()
    task = Task(INSTANCE, entry("1", GOOD), (Replica("SLOW", slow), Replica("GOOD", good)))
    (outcome,) = fetch([task], store, {INSTANCE: access}, listener, limits=SOON, book=book)
    assert outcome.stored is not None
    assert outcome.stored.path.read_bytes() == GOOD
    (words,) = _words(listener)
    assert re.fullmatch(r"SLOW sends [0-9.]+ kB/s, so GOOD is tried\.", words)
    assert sum(isinstance(event, FileStarted) for event in listener.events) == 1
    assert 0 < server.requests[-1].offset < len(GOOD)  # what the slow one had sent was kept
    assert not any(one.failed for one in book.rses.values())


def test_waiting_files_go_to_the_faster_rse(server: Hostile, store: Store, access: StorageAccess) -> None:
    slow, good = server.url("slow/x"), server.url("good/x", host="127.0.0.1")
    tasks = [
        Task(INSTANCE, entry(f"{number}", GOOD), (Replica("SLOW", slow), Replica("GOOD", good))) for number in range(12)
    ]
    limits = replace(SOON, per_host=1, total=2)
    outcomes = fetch(tasks, store, {INSTANCE: access}, Listener(), limits=limits)
    assert all(one.stored for one in outcomes)
    assert len([request for request in server.requests if request.path == "/slow/x"]) <= 2


def test_small_files_that_are_read_at_the_same_time_leave_together(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    """The rest of one would not be worth it."""
    slow, good = server.url("slow/x"), server.url("good/x", host="127.0.0.1")
    tasks = [
        Task(INSTANCE, entry(f"{number}", GOOD), (Replica("SLOW", slow), Replica("GOOD", good))) for number in range(4)
    ]
    listener = Listener()
    outcomes = fetch(tasks, store, {INSTANCE: access}, listener, limits=replace(SOON, per_host=4, total=8))
    assert all(one.stored for one in outcomes)
    assert len(_words(listener)) == 1
    assert [request.path for request in server.requests].count("/good/x") == 4


def test_a_slow_rse_without_another_replica_is_waited_for(server: Hostile, store: Store, access: StorageAccess) -> None:
    slow = server.url("slow/x")
    task = Task(INSTANCE, entry("1", GOOD), (Replica("SLOW", slow), Replica("TAPE", "davs://t.example/x", tape=True)))
    listener = Listener()
    (outcome,) = fetch([task], store, {INSTANCE: access}, listener, limits=SOON)
    assert outcome.stored is not None
    assert not _words(listener)
