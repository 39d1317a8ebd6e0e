"""What the tests of SWAN's sessions share. Those in `make world` install SWAN's own packages from PyPI."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.support.wheels import wheel
from tests.swan.session import Session

__all__ = ["wheel"]  # a fixture

ROOT = Path(__file__).parents[2]
#: What an image of SWAN takes over.
DEPLOYED = ROOT / "deploy" / "swan"


@pytest.fixture(scope="session", params=["pinned", "newest"])
def swan_python(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with SWAN's packages and nbrucio: at SWAN's versions, then at the newest ones."""
    from tests.swan.packages import install, install_nbrucio

    python = install(tmp_path_factory.mktemp("swan") / "venv", pinned=request.param == "pinned")
    install_nbrucio(python, wheel, libraries=True)
    return python


@pytest.fixture
def session(swan_python: Path, tmp_path: Path, sandbox: Sandbox) -> Session:
    """A session with Rucio; nothing is started."""
    return Session(tmp_path / "session", swan_python, sandbox)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test that uses an environment of SWAN the time in which it is installed."""
    for item in items:
        if {"swan_python", "bare_python"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(1500))
