"""Threads that cannot be had: without memory, Python may make one that ends before its first line."""

from __future__ import annotations

import threading
import time

import pytest

from nbrucio.disk import threads
from nbrucio.disk.libraries import unexpected
from nbrucio.disk.threads import DaemonThread


def test_a_thread_runs_under_its_name_and_keeps_no_process_alive() -> None:
    names: list[object] = []
    thread = DaemonThread(lambda word: names.extend([threading.current_thread().name, word]), "nbrucio-x", ("word",))
    thread.start()
    thread.join(30)
    assert names == ["nbrucio-x", "word"]
    assert thread.daemon
    assert not thread.is_alive()


def test_a_thread_that_ends_before_its_first_line_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_BEGINS_S", 0.05)
    monkeypatch.setattr(threading.Thread, "_bootstrap", lambda _: None)  # as after a MemoryError in it
    thread = DaemonThread(time.sleep, args=(0,))
    with pytest.raises(RuntimeError) as caught:
        thread.start()
    assert unexpected(caught.value).message == "This machine gives nbrucio no more memory or threads."
