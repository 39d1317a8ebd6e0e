"""REST that tests a Rucio server and adds it to the user's configuration."""

from __future__ import annotations

from pathlib import Path

from nbrucio.sandbox import Sandbox
from tests.jupyter.conftest import Start
from tests.support.jupyter_server import Server


def _settings(sandbox: Sandbox) -> dict[str, str]:
    from nbrucio.config import load

    instance = load(sandbox.env()).instance("sandbox")
    assert instance.credentials.password is not None
    return {
        "host": instance.host,
        "auth_type": "userpass",
        "account": "sandbox",
        "username": "sandbox",
        "password": instance.credentials.password,
    }


def test_an_instance_is_tested_added_and_usable_at_once(start: Start, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("# mine\n")
    body = {"name": "mine", "settings": _settings(sandbox)}
    with start(NBRUCIO_CONFIG=str(file)) as server:
        status, found = server.ask("nbrucio/instances/test", body)
        assert (status, found["ok"], found["account"]) == (200, True, "sandbox")
        assert [step["name"] for step in found["steps"]] == ["server", "clock", "login"]
        assert "mine" not in [one["name"] for one in server.ask("nbrucio/instances")[1]["instances"]]
        wrong = {**body, "settings": {**body["settings"], "password": "wrong"}}  # type: ignore[dict-item]
        found = server.ask("nbrucio/instances/test", wrong)[1]
        assert (found["ok"], found["steps"][-1]["name"], found["steps"][-1]["error"]["code"]) == (
            False,
            "login",
            "credentials",
        )
        assert server.ask("nbrucio/instances", {**body, "default": True}) == (201, {"name": "mine", "file": str(file)})
        listed = server.ask("nbrucio/instances")[1]
        assert [(one["name"], one["default"]) for one in listed["instances"]] == [
            ("mine", True)
        ]  # the rucio.cfg's, too
        assert listed["fixed"] is False
        assert server.ask("nbrucio/login")[1]["account"] == "sandbox"
        status, answer = server.ask("nbrucio/instances", body)
        assert (status, answer["error"]["code"]) == (400, "usage")
        assert "already configured" in answer["error"]["message"]
    assert (file.stat().st_mode & 0o777, file.read_text().count("# mine")) == (0o600, 1)


def test_wrong_bodies_are_refused(server: Server) -> None:
    wrong: list[dict[str, object]] = [{"settings": {"hosst": "x"}}, {"settings": {"token_command": ["x"]}}]
    for body in ({}, {"settings": []}, {"settings": {"host": "x"}, "name": 7}, *wrong):
        for path in ("nbrucio/instances", "nbrucio/instances/test"):
            status, answer = server.ask(path, body)
            assert (status, answer["error"]["exit_code"]) == (400, 2), (path, body)
