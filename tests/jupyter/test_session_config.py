"""A server that only rucio-jupyterlab's settings and SWAN's start form configure; the user's file holds a login."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from nbrucio.config import load
from nbrucio.jupyter import queries
from nbrucio.sandbox import Sandbox
from tests.jupyter.conftest import Start
from tests.support.jupyter_server import Server, declaring

CELL = """
import subprocess, nbrucio
print("mounted:", len(nbrucio.data["mounted"]), nbrucio.data["mounted"][0])
done = subprocess.run([{python!r}, "-m", "nbrucio_cli", "plan", "a.ipynb"], capture_output=True, text=True)
print("plan:", done.returncode, done.stderr)
"""


@pytest.fixture
def session(tmp_path: Path, sandbox: Sandbox) -> dict[str, str]:
    """Writes the configuration; gives the environment of the session."""
    known = load(sandbox.env()).instance()
    (mount,) = known.mounts
    row = {
        "name": "https://rucio.site.example",
        "display_name": "Site",
        "rucio_base_url": known.host,
        "mode": "replica",
        "replication_rule_lifetime_days": 1,
    }
    server_config = tmp_path / "jupyter-config" / "jupyter_server_config.py"
    server_config.parent.mkdir()
    server_config.write_text(f"c.RucioConfig.instances = [{row!r}]\nc.RucioConfig.default_auth_type = 'userpass'\n")
    login = {
        "identity": known.identity,
        "account": known.account,
        "username": known.credentials.username,
        "password": known.credentials.password,
        "storage_ca": str(known.storage_ca),
    }
    user_config = tmp_path / "config.toml"
    user_config.touch(mode=0o600)
    lines = (f"{name} = {json.dumps(value)}" for name, value in login.items())
    user_config.write_text("[instances.site]\n" + "\n".join(lines) + "\n")
    return {
        "NBRUCIO_CONFIG": str(user_config),
        "SWAN_USE_RUCIO": "true",
        "SWAN_RUCIO_INSTANCE": "SITE",
        "SWAN_RUCIO_RSE": mount.rse,
        "SWAN_RUCIO_RSE_PATH": str(mount.path),
        "SWAN_RUCIO_RSE_PATH_BEGINS_AT": str(mount.begins_at),
    }


def _saved_settings(server: Server) -> list[Path]:
    return list(server.folder.rglob("session-*.json"))


def test_server_kernel_and_terminal_know_the_instances_of_the_session(
    start: Start, session: dict[str, str], tmp_path: Path
) -> None:
    with start(**session) as server:
        (saved,) = _saved_settings(server)
        assert saved.stat().st_mode & 0o777 == 0o600
        assert [row["name"] for row in server.ask("nbrucio/instances")[1]["instances"]] == ["site"]
        content = declaring(CELL.format(python=sys.executable), mounted="sandbox:mounted", growing="sandbox:growing")
        (server.root / "a.ipynb").write_text(json.dumps(content))
        server.sync("a.ipynb")
        with server.kernel("a.ipynb") as kernel:
            output = kernel.run(CELL.format(python=sys.executable))
    assert f"mounted: 2 {session['SWAN_RUCIO_RSE_PATH']}" in output.text
    assert "plan: 4" in output.text
    assert "nbrucio stage" in output.text
    assert not list((tmp_path / "store").glob("objects/*/*/*"))
    assert not _saved_settings(server)


def test_a_session_without_rucio_names_the_start_form_where_no_hint_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").touch()
    monkeypatch.setenv("NBRUCIO_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("NBRUCIO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("SWAN_USE_RUCIO", "false")
    (tmp_path / "a.ipynb").write_text(json.dumps(declaring(dimuon="s:dimuon")))
    status = queries.status(tmp_path / "a.ipynb", None, with_files=False)
    ((error,),) = (row["errors"] for row in status["requirements"])  # type: ignore[attr-defined]
    # A notification shows the first failed row's message.
    assert error["message"] == (
        "No Rucio instance is configured. This session was started without Rucio: "
        "start a new one and choose Rucio in SWAN's start form."
    )
