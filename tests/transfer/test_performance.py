"""The service of each RSE to a run: bytes per second while any file was read, and whether it failed last."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nbrucio.core.events import BytesArrived, Event
from nbrucio.core.files import Replica
from nbrucio.core.hosts import MOUNTED, HostBook, Performance, RseHost
from nbrucio.errors import Interrupted
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.performance import Performances
from nbrucio.transfer.types import StorageAccess, Task
from tests.support.faulty_disk import INSTANCE, entry
from tests.support.hostile_storage import GOOD, Hostile
from tests.support.listener import Listener
from tests.transfer.conftest import PATIENT

AT = RseHost("A", "a.example")


@dataclass
class _Attempt:
    received_bytes: int = 0


def test_the_rate_is_that_of_all_files_while_any_was_read() -> None:
    now = [0.0]
    counted = Performances(1000, lambda: now[0])
    one, other = _Attempt(4000), _Attempt(4000)
    counted.began(AT, one)
    now[0] = 1.0
    counted.began(AT, other)
    now[0] = 2.0
    counted.ended(AT, one)
    now[0] = 4.0
    counted.ended(AT, other)
    counted.delivered(AT)
    now[0] = 100.0  # nothing was read meanwhile
    assert counted.found() == {AT: Performance(2000.0)}
    counted.began(AT, _Attempt())
    now[0] = 104.0
    assert counted.found() == {AT: Performance(1000.0)}


def test_few_bytes_are_no_rate_and_an_rse_that_nothing_ended_at_is_unknown() -> None:
    counted = Performances(1000, iter([0.0, 1.0, 1.0, 1.0]).__next__)
    attempt = _Attempt(999)
    counted.began(AT, attempt)
    assert counted.found() == {}
    counted.ended(AT, attempt)
    counted.delivered(AT)
    assert counted.found() == {AT: Performance(None)}


def test_an_rse_that_is_too_slow_to_bring_a_file_is_known_to_be_slow() -> None:
    now = [0.0]
    counted = Performances(16_000_000, lambda: now[0])
    first, second = _Attempt(90_000), _Attempt(10_000)
    counted.began(AT, first)
    now[0] = 9.0
    counted.ended(AT, first)
    assert counted.found() == {}
    counted.began(AT, second)
    now[0] = 10.0
    counted.ended(AT, second)
    assert counted.found() == {AT: Performance(10_000.0)}


class _CancelsAtFirstBytes:
    def __init__(self) -> None:
        self.cancel = threading.Event()

    def report(self, event: Event) -> None:
        if isinstance(event, BytesArrived):
            self.cancel.set()


def test_what_a_stopped_run_read_counts(server: Hostile, store: Store, access: StorageAccess) -> None:
    reporter, book = _CancelsAtFirstBytes(), HostBook()
    task = Task(INSTANCE, entry("1", GOOD), (Replica("SLOW", server.url("slow/x")),))
    limits = replace(PATIENT, measured_bytes=1)
    with pytest.raises(Interrupted):
        fetch([task], store, {INSTANCE: access}, reporter, limits=limits, cancel=reporter.cancel, book=book)
    (found,) = book.rses.values()
    assert found.bytes_per_s is not None
    assert not found.failed


def test_a_run_finds_out_which_rse_failed_and_which_one_delivered(
    server: Hostile, store: Store, access: StorageAccess, tmp_path: Path
) -> None:
    (tmp_path / "local").write_bytes(GOOD)
    bad, gone, good = server.url("status/500/x"), server.url("status/404/x"), server.url("good/x")
    by_other_name = server.url("good/x", host="127.0.0.1")
    host = f"localhost:{server.port}"
    tasks = [
        Task(INSTANCE, entry("1", GOOD), (Replica("BAD", bad), Replica("GOOD", good))),
        Task(INSTANCE, entry("2", GOOD), (Replica("GONE", gone), Replica("GOOD", good))),
        Task(INSTANCE, entry("3", GOOD), (Replica("OTHER", by_other_name),)),
        Task(INSTANCE, entry("4", GOOD), (Replica("MOUNT", (tmp_path / "local").as_uri()),)),
    ]
    book = HostBook()
    limits = replace(PATIENT, attempts=2, measured_bytes=len(GOOD) * 2)
    outcomes = fetch(tasks, store, {INSTANCE: access}, Listener(), limits=limits, book=book)
    assert all(one.stored for one in outcomes)
    found = dict(book.rses)
    good_rate = found.pop(RseHost("GOOD", host)).bytes_per_s
    assert good_rate is not None
    assert good_rate > 0
    # That a file is missing says nothing about the others of the RSE, and one file here is too small to measure.
    assert found == {
        RseHost("BAD", host): Performance(failed=True),
        RseHost("OTHER", f"127.0.0.1:{server.port}"): Performance(),
    }
    assert MOUNTED not in {at.host for at in found}
