"""Servers for the tests: one beside the sandbox, shared; a test with settings of its own starts its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import Server, base_environment, serve

Start = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def start(tmp_path: Path, sandbox: Sandbox) -> Start:
    """Starts a server that knows the sandbox, with options and environment of the test."""

    def run(*options: str, lag: bool = False, **env: str) -> AbstractContextManager[Server]:
        environment = base_environment(tmp_path) | dict(sandbox.env()) | env
        if lag:  # its event loop tells at /lag how late it is
            environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        return serve(tmp_path, environment, *options, extensions={"tests.support.event_loop_lag": True} if lag else {})

    return run


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Iterator[Server]:
    """A server with our defaults, for the whole session."""
    folder = tmp_path_factory.mktemp("server")
    with serve(folder, base_environment(folder) | dict(sandbox.env())) as running:
        yield running


@pytest.fixture
def server(shared_server: Server, tmp_path: Path) -> Iterator[Server]:
    """The shared server as if it had just been started; a test that makes it log a traceback fails."""
    before = shared_server.log.stat().st_size
    yield shared_server.fresh(tmp_path.name)
    log = shared_server.log.read_bytes()[before:].decode(errors="replace")
    assert "Traceback" not in log, log
