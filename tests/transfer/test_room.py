"""How many mounted files are read at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from nbrucio.catalogue.base import Replica
from nbrucio.store import Store
from nbrucio.transfer import fetch
from nbrucio.transfer.posix import Posix
from nbrucio.transfer.room import LARGE_BYTES, MountedRoom
from nbrucio.transfer.source import Delivery
from tests.store.disks import LOCAL, file_task
from tests.transfer.conftest import QUICK, Listener


def _after(room: MountedRoom, busy: float, size_bytes: int, looks: int = 20) -> int:
    """The room after looks 20 ms apart, between which this process computed for so much of the time."""
    room.rest()
    for n in range(looks):
        room.look(0.02 * n, 0.02 * n * busy, size_bytes)
    return room.now


def test_small_files_that_keep_the_interpreter_busy_are_read_one_after_another() -> None:
    assert _after(MountedRoom(4, cores=2), 1.0, 100_000) == 1


def test_large_files_keep_every_processor_busy() -> None:
    assert _after(MountedRoom(4, cores=2), 1.9, LARGE_BYTES) == 2
    assert _after(MountedRoom(4, cores=8), 7.9, LARGE_BYTES) == 4


def test_files_that_are_waited_for_are_read_as_many_at_once_as_the_limit_allows() -> None:
    room = MountedRoom(4, cores=2)
    assert _after(room, 1.0, 100_000) == 1
    assert _after(room, 0.1, 100_000) == 4


def test_a_slow_network_file_system_is_asked_for_several_files_at_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, most, guard, read = [0], [0], threading.Lock(), Posix.read

    def slow(self: Posix, replica: Replica, delivery: Delivery) -> None:
        with guard:
            reading[0] += 1
            most[0] = max(most[0], reading[0])
        time.sleep(0.03)
        with guard:
            reading[0] -= 1
        read(self, replica, delivery)

    monkeypatch.setattr(Posix, "read", slow)
    tasks = [file_task(tmp_path / "rse", str(n), b"abc") for n in range(40)]
    assert all(one.stored for one in fetch(tasks, store, LOCAL, Listener(), limits=QUICK))
    assert most[0] == QUICK.per_host
