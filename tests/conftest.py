"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbrucio.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One running sandbox for the whole session; tests add content of their own and leave the seeded content alone."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"), tied=True)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.stop()
