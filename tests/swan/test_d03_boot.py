"""D3: SWAN's packages, rucio-jupyterlab and nbrucio start together; a session configures nbrucio by itself (D4)."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import TOKEN, Server, declaring
from tests.swan.session import PROJECT, Session
from tests.swan.stub_hub import Hub

pytestmark = pytest.mark.world

#: What these versions log also without nbrucio.
_HARMLESS = (
    "jupyter_lsp",
    "language-server",
    "preferred_dir",
    "package.json",
    "Could not determine npm",
    "received signal 15",
)


def _faults(server: Server) -> list[str]:
    lines = server.log.read_text().splitlines()
    return [
        line
        for line in lines
        if re.match(r"\[[EC] |Traceback|\w*Error\b", line) and not any(word in line for word in _HARMLESS)
    ]


def test_d3_a_session_boots_and_asks_for_a_login(session: Session) -> None:
    with session.running() as server:
        assert server.url.endswith("/user/tester/")
        assert [one["name"] for one in server.ask("nbrucio/instances")[1]["instances"]] == ["sandbox"]
        for path in ("nbrucio/instances", f"nbrucio/status?path={PROJECT}/a.ipynb", "nbrucio/events"):
            assert server.ask(path, token="")[0] in (403, 404), path
        assert server.ask("nbrucio/instances", token="")[0] == 403
        loaded = server.log.read_text()
        for name in ("swancontents", "swanshare", "rucio_jupyterlab.server", "nbrucio", "jupyterlab"):
            assert f"{name} | extension was successfully loaded" in loaded, name
    assert _faults(server) == []


def test_d3_store_and_tokens_are_not_on_eos(session: Session) -> None:
    with session.running() as server:
        (server.root / "a.ipynb").write_text(
            json.dumps(declaring(growing="sandbox:growing", mounted="sandbox:mounted"))
        )
        assert server.sync("a.ipynb")["requirements"] == {"growing": "ready", "mounted": "ready"}
    on_eos = {path.name for path in session.home.rglob("*") if "nbrucio" in str(path.relative_to(session.home))}
    assert on_eos <= {"nbrucio", "config.toml", "grants.json", "grants.json.lock", "under-way"}, on_eos
    local = {path.name for path in (session.folder / "tmp").rglob("*")}
    assert {"store", "tokens"} <= local
    assert _faults(server) == []


def test_d4_a_session_without_rucio_is_dormant(swan_python: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    session = Session(tmp_path / "session", swan_python, sandbox, rucio=False)
    (session.home / ".config" / "nbrucio" / "config.toml").unlink()
    content = declaring("1 + 1", growing="sandbox:growing")
    with session.running() as server:
        answer = server.ask("nbrucio/instances")[1]
        assert answer["instances"] == []
        assert "choose Rucio in SWAN's start form" in answer["start"]
        saved = server.save("a.ipynb", {**content, "metadata": {}})
        assert "nbrucio" not in saved["metadata"]
        server.save("b.ipynb", content)
        server.open("b.ipynb")
        answer = server.sync("b.ipynb")
        assert "No Rucio instance is configured" in json.dumps(answer)
    assert _faults(server) == []


def test_d3_jupyterhubs_single_user_server_runs_it(session: Session) -> None:
    with Hub() as hub, session.running("jupyterhub.singleuser", **hub.environment()) as server:
        status, answer = server.ask("nbrucio/instances", token=hub.token)
        assert (status, [one["name"] for one in answer["instances"]]) == (200, ["sandbox"])
        assert server.ask("nbrucio/instances", token="another-token")[0] == 403
        assert server.ask("nbrucio/instances", token="")[0] == 403
    assert hub.token not in server.log.read_text()
    assert _faults(server) == []


def test_d12_the_metrics_of_swan_and_jupyter_stay(session: Session) -> None:
    with session.running() as server:
        (server.root / "a.ipynb").write_text(json.dumps(declaring(growing="sandbox:growing")))
        server.sync("a.ipynb")
        request = urllib.request.Request(f"{server.url}metrics", headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
    names = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    others = {"http_request_duration_seconds", "kernel_currently_running_total", "max_memory_usage"}
    assert others | {"swan_kernel_events_total", "rucio_jupyterlab_requests_total", "nbrucio_syncs_total"} <= names
