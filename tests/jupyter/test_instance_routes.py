"""REST that tests a Rucio server and adds it to the user's configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbrucio.config import load
from nbrucio.errors import Unavailable, UsageError
from nbrucio.operations.first_start import try_sandbox
from nbrucio.operations.whoami import who_am_i
from nbrucio.sandbox import Sandbox
from tests.jupyter.conftest import Start
from tests.support.jupyter_server import Server, base_environment, serve


def settings_of(sandbox: Sandbox) -> dict[str, str]:
    """What a user types to connect to the sandbox."""
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
    body = {"name": "mine", "settings": settings_of(sandbox)}
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


def test_without_an_instance_the_ways_to_one_are_listed_and_rucio_jupyterlabs_settings_are_one(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "home/.config/nbrucio/config.toml"
    with serve(tmp_path, base_environment(tmp_path)) as server:
        listed = server.ask("nbrucio/instances")[1]
        assert (listed["instances"], listed["fixed"]) == ([], False)
        assert listed["ways"] == {"sandbox": True, "import": False}
        status, answer = server.ask("nbrucio/instances/import", {})
        assert (status, answer["error"]["code"]) == (400, "usage")
        assert "nothing to import" in answer["error"]["message"]

        password = str(settings_of(sandbox)["password"])
        row = {"name": "lab", "rucio_base_url": settings_of(sandbox)["host"], "destination_rse": "X"}
        config = {"RucioConfig": {"instances": [{**row, "userpass": password}], "default_auth_type": "userpass"}}
        (server.folder / "jupyter-config" / "jupyter_server_config.json").write_text(json.dumps(config))
        status, done = server.ask("nbrucio/instances/import", {})
        assert (status, [one["name"] for one in done["found"]], done["file"]) == (201, ["lab"], str(file))
        assert password not in json.dumps(done)
        assert server.ask("nbrucio/instances")[1]["ways"] is None
        assert server.ask("nbrucio/instances/import", {})[1]["found"][0]["skipped"]


def test_the_sandbox_is_started_and_added(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, tmp_path: Path) -> None:
    """In the user's own folder it would take its time to be made; here that folder leads to the one of all tests."""
    data = tmp_path / "data/nbrucio"
    data.mkdir(parents=True)
    (data / "sandbox").symlink_to(sandbox.root)
    file = tmp_path / "mine.toml"
    file.write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("NBRUCIO_CONFIG", str(file))
    for name in ("RUCIO_CONFIG", "RUCIO_HOME", "RUCIO_ACCOUNT", "RUCIO_AUTH_TYPE", "RUCIO_VO"):
        monkeypatch.delenv(name, raising=False)
    assert try_sandbox() == file
    config = load()
    instance = config.instance("sandbox")
    assert (who_am_i(instance, config).account, len(instance.mounts)) == ("sandbox", 1)
    with pytest.raises(UsageError, match="already configured"):
        try_sandbox()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "taken"))
    (tmp_path / "taken/nbrucio/sandbox/x").mkdir(parents=True)
    with pytest.raises(Unavailable, match="is not empty and not a sandbox"):
        try_sandbox()
