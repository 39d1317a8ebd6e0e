"""How many files are downloaded at once over a network: as many as bring more bytes, and no more than a host allows."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.events import FileRetried
from nbrucio.core.files import Replica
from nbrucio.core.hosts import HostBook, HostFacts
from nbrucio.store import Store
from nbrucio.transfer import context
from nbrucio.transfer.concurrency import GoodputLimit
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.scheduler import Scheduler
from nbrucio.transfer.types import StorageAccess, Task, TransferLimits
from tests.support.faulty_disk import INSTANCE, entry
from tests.support.hostile_storage import GOOD, Hostile
from tests.support.listener import Listener
from tests.transfer.conftest import QUICK

#: Bytes per second by the number of files at a time.
Line = Callable[[int], float]


def _levels(
    limit: GoodputLimit,
    line: Line,
    seconds: float,
    look_s: float = 0.1,
    *,
    start_s: float = 0.0,
    busy: float = 0.0,
) -> list[int]:
    """The limit every ``look_s`` of a run over ``line``, which computes with ``busy`` cores."""
    arrived, levels = 0.0, []
    for look in range(round(seconds / look_s)):
        at_s = start_s + look * look_s
        limit.measure(at_s, round(arrived), at_s * busy)
        levels.append(limit.now)
        arrived += line(limit.now) * look_s
    return levels


def test_where_each_stream_waits_the_limit_grows_within_two_seconds() -> None:
    levels = _levels(GoodputLimit(32), lambda streams: 5e6 * streams, 3.0)
    assert levels[0] == 8
    assert levels[15] == 32
    assert max(levels) == 32


@pytest.mark.parametrize(("busy", "expected"), [(1.9, [8, 16, 32]), (2.1, [8, 4])])
def test_fewer_files_are_read_at_a_time_where_reading_them_takes_the_cores(busy: float, expected: list[int]) -> None:
    levels = _levels(GoodputLimit(32, cores=4), lambda streams: 5e6 * streams, 3.0, busy=busy)
    assert [level for level, _ in itertools.groupby(levels)] == expected


def test_a_level_that_was_reached_stays_while_reading_takes_the_cores() -> None:
    limit = GoodputLimit(64, cores=4)
    assert _levels(limit, lambda streams: 5e6 * min(streams, 16), 2.0)[-1] == 16
    assert set(_levels(limit, lambda streams: 5e6 * min(streams, 16), 20.0, start_s=2.0, busy=2.1)) == {16}


@pytest.mark.parametrize("useful", [8, 16])
def test_the_limit_returns_to_where_the_line_is_full(useful: int) -> None:
    levels = _levels(GoodputLimit(32), lambda streams: 5e6 * min(streams, useful), 20.0)
    assert max(levels) == min(32, 2 * useful), "the next level was tried"
    assert sum(level == useful for level in levels) > 0.7 * len(levels)


def test_a_source_that_collapses_is_left_at_the_level_before() -> None:
    levels = _levels(GoodputLimit(64), lambda streams: 5e6 * streams if streams <= 16 else 1e6, 10.0)
    assert levels[-1] == 16
    # Each trial costs seconds until the connections that are too many have ended, so there is only one.
    assert [level for level, _ in itertools.groupby(levels)] == [8, 16, 32, 16]


@pytest.mark.parametrize(("collapsed", "times"), [(1e6, 1), (8e7, 0)])
def test_a_limit_says_once_that_a_trial_overloaded_the_source(collapsed: float, times: int) -> None:
    limit = GoodputLimit(64)
    said = 0
    arrived = 0.0
    for look in range(100):
        limit.measure(look * 0.1, round(arrived), 0.0)
        said += limit.was_overloaded()
        arrived += (5e6 * limit.now if limit.now <= 16 else collapsed) * 0.1
    assert said == times


@pytest.mark.parametrize(("long_s", "interrupted"), [(0.3, 2), (60.0, 0)])
def test_files_that_overload_a_host_yield_and_continue_where_they_were(
    server: Hostile,
    store: Store,
    access: StorageAccess,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    long_s: float,
    interrupted: int,
) -> None:
    monkeypatch.setattr(context, "_LONG_S", long_s)
    observe = Scheduler.observe
    surplus = [2]

    def overloaded(schedule: Scheduler) -> dict[str, int]:
        found = observe(schedule)
        ((host, arrived),) = schedule._arrived.items() or [("", 0)]
        return {host: surplus.pop()} if surplus and arrived > 4 * 160_000 else found

    monkeypatch.setattr(Scheduler, "observe", overloaded)
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("R", server.url(f"slow/{n}")),)) for n in range(4)]
    outcomes = fetch(tasks, store, {INSTANCE: access}, listener, limits=TransferLimits(attempts=1))
    assert all(outcome.stored for outcome in outcomes)
    assert not surplus
    assert sorted(request.offset > 0 for request in server.requests) == [False] * 4 + [True] * interrupted
    assert not [event for event in listener.events if isinstance(event, FileRetried)]


def test_one_stream_is_enough_where_it_fills_the_line() -> None:
    assert max(_levels(GoodputLimit(1), lambda _: 1e8, 5.0)) == 1


def test_a_host_that_refuses_is_not_asked_for_as_many_again() -> None:
    limit = GoodputLimit(32)
    _levels(limit, lambda streams: 5e6 * streams, 3.0)
    limit.lower(8)
    assert max(_levels(limit, lambda streams: 5e6 * streams, 10.0)) == 8
    limit.lower(20)
    assert (limit.now, limit.most) == (8, 8)


def test_a_host_with_eight_places_serves_every_file(server: Hostile, store: Store, access: StorageAccess) -> None:
    places, refused, guard = threading.Semaphore(8), [0], threading.Lock()
    good, status = server._do_good, server._do_status

    def limited(connection: object, request: object) -> bool:
        if not places.acquire(blocking=False):
            with guard:
                refused[0] += 1
            return status(connection, replace(request, path="/status/503/x"))  # type: ignore[arg-type, type-var]
        try:
            time.sleep(0.05)
            return good(connection, request)  # type: ignore[arg-type]
        finally:
            places.release()

    server._do_good = limited  # type: ignore[method-assign, assignment]
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("R", server.url(f"good/{n}")),)) for n in range(300)]
    limits = replace(QUICK, per_host=32, total=64, attempts=2)
    outcomes = fetch(tasks, store, {INSTANCE: access}, Listener(), limits=limits)
    assert [one.error for one in outcomes if one.error] == []
    assert refused[0] > 0, "more than eight were tried"


def test_a_host_that_is_down_is_given_up_as_ever(store: Store, access: StorageAccess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"https://localhost:{unused.getsockname()[1]}/x"
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("R", url),)) for n in range(8)]
    began = time.monotonic()
    outcomes = fetch(tasks, store, {INSTANCE: access}, Listener(), limits=replace(QUICK, per_host=32, total=64))
    assert all(one.error for one in outcomes)
    assert time.monotonic() - began < 20


def test_one_bad_window_does_not_end_a_level_that_helps() -> None:
    seen = 0

    def line(streams: int) -> float:
        nonlocal seen
        seen += 1
        return 5e6 * streams * (0.55 if 8 <= seen < 11 else 1.0)

    assert _levels(GoodputLimit(32), line, 3.5)[-1] == 32


def test_a_line_that_gets_slower_is_tried_with_fewer_files() -> None:
    slow = False

    def line(streams: int) -> float:
        return 5e6 * streams if not slow else 1e6 * (streams if streams <= 16 else 1)

    limit = GoodputLimit(32)
    assert _levels(limit, line, 4.0)[-1] == 32
    slow = True
    levels = _levels(limit, line, 10.0, start_s=4.0)
    assert levels[-1] == 16


def test_a_line_that_gets_slower_for_any_number_of_files_costs_no_level() -> None:
    limit = GoodputLimit(32)
    _levels(limit, lambda streams: 5e6 * streams, 4.0)
    levels = _levels(limit, lambda streams: 1e6 * streams, 20.0, start_s=4.0)
    assert sum(level == 32 for level in levels) > 0.8 * len(levels)


def test_a_run_begins_at_the_level_of_the_run_before() -> None:
    limit = GoodputLimit(64)
    _levels(limit, lambda streams: 5e6 * min(streams, 16), 10.0)
    found = limit.found()
    assert found == HostFacts(files=16)
    levels = _levels(GoodputLimit(64, known=found), lambda streams: 5e6 * min(streams, 16), 10.0)
    assert levels[0] == 16
    assert set(levels[:25]) == {16}, "it is not tested at once"


def test_a_refusal_limits_the_next_run_but_not_all_runs() -> None:
    limit = GoodputLimit(64)
    limit.lower(8)
    assert limit.found().most == 8
    after = GoodputLimit(64, known=limit.found())
    assert max(_levels(after, lambda streams: 5e6 * streams, 20.0)) == 8
    assert after.found() == HostFacts(files=8)


@given(
    most=st.integers(1, 64),
    known=st.none() | st.builds(HostFacts, st.none() | st.integers(1, 500), st.none() | st.integers(1, 500)),
    steps=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 10**9), st.none() | st.integers(-3, 99)), max_size=60),
)
def test_the_level_stays_within_its_limits_whatever_is_measured(
    most: int, known: HostFacts | None, steps: list[tuple[float, int, int | None]]
) -> None:
    limit = GoodputLimit(most, known=known)
    at_s, arrived = 0.0, 0
    for wait_s, size_bytes, refused in steps:
        at_s, arrived = at_s + wait_s, arrived + size_bytes
        limit.measure(at_s, arrived, 0.0)
        if refused is not None:
            limit.lower(refused)
        assert 1 <= limit.now <= limit.most <= most


def test_a_host_that_refuses_before_anything_arrived_fails_no_file(
    server: Hostile, store: Store, access: StorageAccess
) -> None:
    """Four connections are the first; the host accepts two requests at a time, and is slow to answer."""
    places, good, status = threading.Semaphore(2), server._do_good, server._do_status

    def limited(connection: object, request: object) -> bool:
        if not places.acquire(blocking=False):
            return status(connection, replace(request, path="/status/503/x"))  # type: ignore[arg-type, type-var]
        try:
            time.sleep(0.05)
            return good(connection, request)  # type: ignore[arg-type]
        finally:
            places.release()

    server._do_good = limited  # type: ignore[method-assign, assignment]
    tasks = [Task(INSTANCE, entry(str(n), GOOD), (Replica("R", server.url(f"good/{n}")),)) for n in range(40)]
    book = HostBook()
    outcomes = fetch(tasks, store, {INSTANCE: access}, Listener(), limits=replace(QUICK, attempts=1), book=book)
    assert [one.error for one in outcomes if one.error] == []
    (facts,) = book.found.values()
    assert facts.most in (1, 2, 3)
