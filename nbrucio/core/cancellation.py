"""Cancels requests, also while the server is silent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_given_up: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)


@contextmanager
def until(given_up: threading.Event) -> Iterator[None]:
    """Cancel the requests of this block, in this thread or a copy of its context, when ``given_up`` is set."""
    before = _given_up.set(given_up)
    try:
        yield
    finally:
        _given_up.reset(before)


def given_up() -> threading.Event | None:
    """Return the event that cancels the present context's requests; None without one."""
    return _given_up.get()
