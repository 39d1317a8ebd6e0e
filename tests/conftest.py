"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.config import Config, load
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.rses import RSES
from tests.support import trust
from tests.support.snapshots import Snapshots

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # Started in the background, by a shell without job control. What tests start inherits it, and some press Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# As in an activated environment, so that hints name `nbrucio` alone, whichever Python runs the tests.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

#: Folders whose tests start servers, kernels, browsers or builds, or wait on purpose.
_REAL = {"crash", "e2e", "faults", "hostile", "frontend", "jupyter", "launch", "runners", "sandbox", "simulation"}
_REAL |= {"transfer"}
#: Fixtures that start one; `typed` is a reader who types the commands of a page.
_SANDBOXES = {"sandbox", "typed"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-snapshots``, with which ``make snapshots`` writes ``tests/snapshots`` anew, and more."""
    parser.addoption("--update-snapshots", action="store_true")
    trust.add_options(parser)


@pytest.fixture
def rounds(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[trust.Rounds]:
    """Runs and counts the cases of a test that is marked with its suite."""
    (tmp_path / "rounds").mkdir()
    yield from trust.rounds_of(request, tmp_path / "rounds")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Count a test of a suite that is one case."""
    outcome = yield
    trust.log_single_case(item, outcome.get_result())


@pytest.fixture
def snapshots(request: pytest.FixtureRequest) -> Snapshots:
    """Compares texts with the files in ``tests/snapshots``."""
    return Snapshots(update=request.config.getoption("--update-snapshots"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Share the time of `make trust` among the tests that are left."""
    trust.share_time(session.config, session.items)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what `make check` leaves out as a folder, which would take it a third longer."""
    left_out = "not real" in config.option.markexpr and collection_path.parent == Path(__file__).parent
    return True if left_out and collection_path.name in _REAL else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that `make check` leaves out, and select a suite of `make trust`."""
    trust.select(config, items)
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in _REAL or _SANDBOXES & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One running sandbox for the whole session; tests add content of their own and leave the seeded content alone.

    An RSE that a test adds is removed by that test, with `forget_rses`: `nbrucio doctor` asks for all of them.
    """
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"), tied=True)
    try:
        sandbox.start()
        yield sandbox
        with sandbox.admin() as client:
            assert {row["rse"] for row in client.list_rses()} == {rse.name for rse in RSES}
    finally:
        sandbox.stop()


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The session's sandbox with a store, a runtime folder and tokens of this test's own."""
    monkeypatch.setenv("NBRUCIO_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return load({**sandbox.env(), "HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "store")})
