"""A storage of each test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trustme

from tests.support.hostile_storage import Hostile


@pytest.fixture
def server() -> Iterator[Hostile]:
    server = Hostile(trustme.CA())
    yield server
    server.close()
