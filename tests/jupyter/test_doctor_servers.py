"""`nbrucio doctor` compares the terminal with running Jupyter servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbrucio.config import load
from nbrucio.operations.doctor import Finding
from nbrucio.operations.doctor.jupyter import jupyter
from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import Server


@pytest.fixture
def terminal(server: Server, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a terminal beside the server."""
    own = {
        "HOME": str(server.folder / "home"),
        "NBRUCIO_STORE": str(server.folder / "store"),
        "JUPYTER_RUNTIME_DIR": str(server.runtime),
    }
    for name, value in (sandbox.env() | own).items():
        monkeypatch.setenv(name, value)
    return server.folder


def _of_server(server: Server) -> Finding:
    return next(finding for finding in jupyter(load()) if finding.subject == server.url.rstrip("/"))


@pytest.mark.usefixtures("terminal")
def test_a_server_with_the_same_configuration_is_well(server: Server) -> None:
    found = _of_server(server)
    assert (found.state.value, found.hint) == ("ok", None), found


def test_a_server_with_another_configuration_is_a_warning(
    terminal: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = terminal / "own.toml"
    own.touch(mode=0o600)
    own.write_text('[instances.more]\nhost = "https://more.example"\nauth_type = "gss"\n')
    monkeypatch.setenv("NBRUCIO_CONFIG", str(own))
    monkeypatch.setenv("NBRUCIO_STORE", str(terminal / "other"))
    found = _of_server(server)
    own.unlink()
    assert found.state.value == "warning"
    assert f"its store is {terminal / 'store'}, here it is {terminal / 'other'}" in found.text
    assert "it lacks the instance more" in found.text
    assert "it also has the instance sandbox" in found.text
    assert found.hint is not None
    assert found.hint.startswith("Restart the Jupyter server")
