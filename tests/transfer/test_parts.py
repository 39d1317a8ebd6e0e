"""A large file is read in parts over several connections, where the storage sends parts; its bytes are verified."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.events import BytesArrived, Event, FileStarted
from nbrucio.core.files import FileEntry, Replica
from nbrucio.errors import Interrupted
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.parts import MOST_PARTS
from nbrucio.transfer.spans import Span, SpanPlan
from nbrucio.transfer.types import Outcome, StorageAccess, Task
from tests.support.faulty_disk import INSTANCE, entry
from tests.support.hostile_storage import GOOD, Hostile
from tests.support.listener import Listener
from tests.transfer.conftest import PATIENT, task

ROOT = Path(__file__).parents[2]
#: The good file has 32 parts.
PARTS = replace(PATIENT, part_bytes=16_000)

Bring = Callable[..., Outcome]


def _spans(server: Hostile) -> list[tuple[int, int]]:
    return sorted((one.offset, one.end) for one in server.requests if "range" in one.headers)


@given(
    start=st.integers(0, 500),
    length=st.integers(0, 1000),
    steps=st.lists(st.tuples(st.integers(1, 300), st.none() | st.floats(0, 1)), max_size=40),
)
def test_each_byte_is_given_out_once_and_again_only_when_it_was_returned(
    start: int, length: int, steps: list[tuple[int, float | None]]
) -> None:
    plan, end = SpanPlan(start, start + length), start + length
    done: list[Span] = []
    for size_bytes, part in [*steps, *[(400, None)] * 60]:
        first, span = plan.first, plan.give(size_bytes)
        if span is None:
            assert first is None
            continue
        assert span.start == first
        stop = span.end if part is None else span.start + int(part * (span.end - span.start))
        done.append(Span(span.start, stop))
        plan.take_back(Span(stop, span.end))
    assert plan.give(1) is None
    place = start
    for span in sorted(span for span in done if span.start < span.end):
        assert span.start == place
        place = span.end
    assert place == end


def test_a_large_file_is_read_over_several_connections_each_byte_once(server: Hostile, bring: Bring) -> None:
    outcome = bring(server.url("together/x"), limits=PARTS)
    assert outcome.stored is not None
    assert Path(outcome.stored.where).read_bytes() == GOOD
    spans = _spans(server)
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == len(GOOD)
    assert server.were_several, "requests at the same time"


@pytest.mark.parametrize("shape", ["small", "without a checksum"])
def test_a_file_that_is_small_or_cannot_be_verified_is_one_request(
    server: Hostile, store: Store, access: StorageAccess, shape: str
) -> None:
    file = entry("x", GOOD)
    limits = PARTS if shape != "small" else PATIENT
    if shape != "small":
        file = FileEntry(file.did, file.size_bytes)
    one = Task(INSTANCE, file, (Replica("R", server.url("good/x")),))
    (outcome,) = fetch([one], store, {INSTANCE: access}, Listener(), limits=limits)
    assert outcome.stored is not None
    assert [one.headers.get("range") for one in server.requests] == [None]


@pytest.mark.parametrize(
    "answer", ["good", "whole", "front", "shifted", "versions", "mixed", "sizes", "less", "more", "once", "storm"]
)
def test_whatever_a_storage_answers_to_requests_for_parts_the_file_is_whole(
    server: Hostile, bring: Bring, listener: Listener, answer: str
) -> None:
    outcome = bring(server.url(f"{answer}/x"), limits=PARTS)
    assert outcome.error is None, outcome.error
    assert outcome.stored is not None
    assert Path(outcome.stored.where).read_bytes() == GOOD
    counted = sum(event.count for event in listener.events if isinstance(event, BytesArrived))
    assert counted == len(GOOD), "bytes that were dropped are not counted"


def test_a_storage_without_ranges_costs_no_request_more(server: Hostile, bring: Bring) -> None:
    assert bring(server.url("whole/x"), limits=PARTS).stored is not None
    assert len(server.requests) == 1


def test_a_stopped_download_in_parts_resumes_after_its_last_byte_in_order(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    cancel, arrived = threading.Event(), 0

    class Stopping:
        def report(self, event: Event) -> None:
            nonlocal arrived
            if isinstance(event, BytesArrived):
                arrived += event.count
                if arrived > len(GOOD) // 4:
                    cancel.set()

    tasks = [task(server.url("gate/x"))]
    with pytest.raises(Interrupted):
        fetch(tasks, store, {INSTANCE: access}, Stopping(), limits=PARTS, cancel=cancel)
    server.gate.set()
    _resumes(server, tasks, store, access)


def test_a_killed_download_in_parts_resumes_after_its_last_byte_in_order(
    server: Hostile, store: Store, access: StorageAccess, tmp_path: Path
) -> None:
    one = task(server.url("good/x"))
    files = [(one.entry.did.name, one.entry.size_bytes, one.entry.adler32, one.replicas[0].pfn)]
    given = {"ca": str(access.ca), "per_host": 4, "part_bytes": PARTS.part_bytes, "files": files}
    (tmp_path / "tasks.json").write_text(json.dumps(given))
    command = [sys.executable, "-m", "tests.support.fetch_tasks", str(tmp_path / "store"), str(tmp_path / "tasks.json")]
    killed = subprocess.run([*command, "30"], check=False, capture_output=True, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (partial,) = (tmp_path / "store" / "partial").glob("*.part")
    assert 0 < partial.stat().st_size < len(GOOD)
    _resumes(server, [one], store, access)


def test_a_damaged_rest_of_a_download_in_parts_is_downloaded_again(
    server: Hostile, store: Store, access: StorageAccess, tmp_path: Path
) -> None:
    cancel = threading.Event()

    class Stopping:
        def report(self, event: Event) -> None:
            if isinstance(event, BytesArrived):
                cancel.set()

    tasks = [task(server.url("gate/x"))]
    with pytest.raises(Interrupted):
        fetch(tasks, store, {INSTANCE: access}, Stopping(), limits=PARTS, cancel=cancel)
    server.gate.set()
    (partial,) = (tmp_path / "store" / "partial").glob("*.part")
    with partial.open("r+b") as file:
        file.write(b"damaged")
    (outcome,) = fetch(tasks, store, {INSTANCE: access}, Listener(), limits=PARTS)
    assert outcome.stored is not None
    assert Path(outcome.stored.where).read_bytes() == GOOD


def _resumes(server: Hostile, tasks: list[Task], store: Store, access: StorageAccess) -> None:
    listener = Listener()
    (outcome,) = fetch(tasks, store, {INSTANCE: access}, listener, limits=PARTS)
    assert outcome.stored is not None
    assert Path(outcome.stored.where).read_bytes() == GOOD
    (resumed,) = (event.resumed_bytes for event in listener.events if isinstance(event, FileStarted))
    assert resumed > 0
    again = sum(one.sent for one in server.requests) - len(GOOD)
    assert again <= (MOST_PARTS + 1) * PARTS.part_bytes, "only what was in memory or in flight"


def test_a_host_that_refuses_helpers_gets_fewer_requests_and_no_file_fails(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    places, served, refused = threading.Semaphore(2), server._do_good, Counter[str]()

    def limited(connection: object, request: object) -> bool:
        if not places.acquire(blocking=False):
            refused["n"] += 1
            return server._do_status(connection, replace(request, path="/status/503/x"))  # type: ignore[arg-type, type-var]
        try:
            time.sleep(0.05)
            return served(connection, request)  # type: ignore[arg-type]
        finally:
            places.release()

    server._do_good = limited  # type: ignore[method-assign, assignment]
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("R", server.url(f"good/{n}")),)) for n in range(3)]
    outcomes = fetch(tasks, store, {INSTANCE: access}, Listener(), limits=PARTS)
    assert [one.error for one in outcomes if one.error] == []
    assert refused["n"] > 0
