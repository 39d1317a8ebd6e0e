"""A storage of each test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trustme

from nbrucio.sandbox import Sandbox
from tests.support.desk import Desk, make_desk
from tests.support.hostile_storage import Hostile


@pytest.fixture
def server() -> Iterator[Hostile]:
    server = Hostile(trustme.CA())
    yield server
    server.close()


@pytest.fixture(scope="session")
def desk(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk to copy."""
    return make_desk(tmp_path_factory.mktemp("desk"), sandbox)
