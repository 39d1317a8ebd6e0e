"""A Rucio server with several VOs: logins with the right, a wrong and no VO, and two VOs that are kept apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.world.multi_vo.conftest import BOTH, ONE, PASSWORD, VOS, TwoVos

pytestmark = pytest.mark.world

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(server: TwoVos, tmp_path: Path) -> Run:
    """Runs a command with these instances, each a table of settings; returns its exit code and its JSON."""
    (tmp_path / "run").mkdir(mode=0o700)
    home = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run"), "NBRUCIO_RUNTIME_DIR": str(tmp_path / "n")}
    environ = {**home, "PATH": os.environ["PATH"], "NBRUCIO_STORE": str(tmp_path / "store")}
    environ["NBRUCIO_CONFIG"] = str(tmp_path / "config.toml")
    (tmp_path / "config.toml").touch(0o600)

    def call(*words: str, **instances: dict[str, str]) -> tuple[int, Any]:
        usual = {"auth_type": "userpass", "host": server.url, "account": "jane", "username": BOTH, "password": PASSWORD}
        tables = []
        for name, own in instances.items():
            settings = [f'{key} = "{value}"' for key, value in (usual | own).items() if value]
            tables += [f"[instances.{name}]", *settings, f'file_roots = ["{server.storage}"]', "traces = false"]
        (tmp_path / "config.toml").write_text("\n".join(tables) + "\n")
        command = [sys.executable, "-m", "nbrucio_cli", *words, "--json"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, json.loads(done.stdout)

    return call


def test_the_vo_of_an_instance_chooses_its_data(run: Run) -> None:
    instances = {vo: {"vo": vo} for vo in VOS}
    for vo, files in VOS.items():
        code, found = run("show", "data:set", "--instance", vo, **instances)
        assert (code, len(found["files"])) == (0, files)


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({}, "If the server has several VOs, set vo."),
        ({"vo": "nop"}, "Check also vo, which is 'nop'."),
        ({"vo": "longer.name"}, "Check also vo, which is 'longer.name'."),
        ({"vo": "xyz", "username": ONE}, "Check also vo, which is 'xyz'."),
        ({"vo": "abc", "password": "wrong"}, "Check also vo, which is 'abc'."),
    ],
    ids=["none", "wrong", "long", "of another VO", "with a wrong password"],
)
def test_a_login_that_a_vo_may_explain_names_it(run: Run, settings: dict[str, str], hint: str) -> None:
    code, found = run("whoami", "--all", one=settings)
    (row,) = found["instances"]
    assert (code, row["state"]) == (7, "ended")
    assert row["error"]["hint"].endswith(hint)


def test_a_vo_that_is_no_name_is_an_error_of_the_configuration(run: Run) -> None:
    code, found = run("whoami", one={"vo": "a b!"})
    assert code == 2
    assert "one.vo must be the name of a VO" in json.dumps(found)


def test_a_user_name_of_several_accounts_needs_one(run: Run) -> None:
    code, found = run("whoami", one={"vo": "abc", "account": ""})
    assert code == 7
    assert "it fits several accounts (jane), and account is not set" in json.dumps(found)


def test_two_vos_of_one_server_share_neither_tokens_nor_answers_nor_files(
    run: Run, server: TwoVos, tmp_path: Path
) -> None:
    instances = {vo: {"vo": vo} for vo in VOS}
    host = server.url.partition("//")[2]
    requirements = [{"did": "data:set", "handle": vo, "instance": f"http://{host}#{vo}"} for vo in VOS]
    metadata = {"nbrucio": {"version": 1, "requirements": requirements}}
    notebook = tmp_path / "nb.ipynb"
    notebook.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    for command in ("sync", "lock", "sync"):
        code, found = run(command, str(notebook), **instances)
        assert code == 0, found
    code, found = run("paths", str(notebook), **instances)
    assert code == 0
    contents = {vo: sorted(Path(path).read_text() for path in _paths(found, vo)) for vo in VOS}
    assert contents == {vo: [f"{vo} {number}" for number in range(files)] for vo, files in VOS.items()}
    code, rows = run("whoami", "--all", **instances)
    assert {row["instance"]: (row["vo"], row["account"], row["state"]) for row in rows["instances"]} == {
        vo: (vo, "jane", "active") for vo in VOS
    }
    tokens = {file.read_text().split("\n")[0] for file in (tmp_path / "run").rglob("*") if file.is_file()}
    assert len({token for token in tokens if token.startswith("jane-")}) == len(VOS)


def _paths(found: Any, handle: str) -> list[str]:
    (requirement,) = [one for one in found["requirements"] if one["handle"] == handle]
    return [file["path"] for file in requirement["files"]]
