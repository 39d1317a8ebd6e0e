"""A request whose answer nobody waits for any more is given up, also while its server is silent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_given_up: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)


@contextmanager
def until(given_up: threading.Event) -> Iterator[None]:
    """Give up the requests of this block, in this thread or a copy of its context, once ``given_up`` is set."""
    before = _given_up.set(given_up)
    try:
        yield
    finally:
        _given_up.reset(before)


def given_up() -> threading.Event | None:
    """What ends the requests that are made here; None where nothing does."""
    return _given_up.get()
