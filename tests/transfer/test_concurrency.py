"""How many mounted files are read at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from nbrucio.core.files import Replica
from nbrucio.store import Store
from nbrucio.transfer.base import Sink
from nbrucio.transfer.concurrency import LARGE_BYTES, AdaptiveLimit
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.posix import Posix
from tests.support.faulty_disk import LOCAL, file_task
from tests.support.listener import Listener
from tests.transfer.conftest import QUICK


def _after(limit: AdaptiveLimit, busy: float, size_bytes: int, looks: int = 20) -> int:
    """The room after looks 20 ms apart, between which this process computed for so much of the time."""
    limit.rest()
    for n in range(looks):
        limit.observe(0.02 * n, 0.02 * n * busy, size_bytes)
    return limit.now


def test_small_files_that_keep_the_interpreter_busy_are_read_one_after_another() -> None:
    assert _after(AdaptiveLimit(4, cores=2), 1.0, 100_000) == 1


def test_large_files_keep_every_processor_busy() -> None:
    assert _after(AdaptiveLimit(4, cores=2), 1.9, LARGE_BYTES) == 2
    assert _after(AdaptiveLimit(4, cores=8), 7.9, LARGE_BYTES) == 4


def test_files_that_are_waited_for_are_read_as_many_at_once_as_the_limit_allows() -> None:
    limit = AdaptiveLimit(4, cores=2)
    assert _after(limit, 1.0, 100_000) == 1
    assert _after(limit, 0.1, 100_000) == 4


def test_a_slow_network_file_system_is_asked_for_several_files_at_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, most, guard, read = [0], [0], threading.Lock(), Posix.read

    def slow(self: Posix, replica: Replica, sink: Sink) -> None:
        with guard:
            reading[0] += 1
            most[0] = max(most[0], reading[0])
        time.sleep(0.03)
        with guard:
            reading[0] -= 1
        read(self, replica, sink)

    monkeypatch.setattr(Posix, "read", slow)
    tasks = [file_task(tmp_path / "rse", str(n), b"abc") for n in range(40)]
    assert all(one.stored for one in fetch(tasks, store, LOCAL, Listener(), limits=QUICK))
    assert most[0] == QUICK.per_host
