"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from nbrucio.sandbox import Sandbox

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # Started in the background, by a shell without job control. What tests start inherits it, and some press Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One running sandbox for the whole session; tests add content of their own and leave the seeded content alone."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"), tied=True)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.stop()
