"""The first message of a machine on which nothing is configured."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbrucio_cli.app import root

from tests.support.snapshots import Snapshots

#: Each verb that needs an instance.
LINES = (
    "search 'user.jdoe:*'",
    "show user.jdoe:dimuon",
    "add new.ipynb user.jdoe:dimuon",
    "plan declared.ipynb",
    "sync declared.ipynb",
    "lock declared.ipynb",
    "status declared.ipynb --check",
    "stage declared.ipynb a",
    "run declared.ipynb",
    "upload hist.dat --rse HERE --scope user.jdoe",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RUCIO_CONFIG", "VIRTUAL_ENV", "CONDA_PREFIX", "NBRUCIO_CONFIG", "JUPYTER_CONFIG_PATH", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("RUCIO_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "NBRUCIO_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jupyter_config_dir").mkdir()
    declared = {"requirements": [{"did": f"user.jdoe:{name}", "handle": name} for name in ("a", "b")], "version": 1}
    empty = {"cells": [], "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "declared.ipynb").write_text(json.dumps({**empty, "metadata": {"nbrucio": declared}}))
    (tmp_path / "new.ipynb").write_text(json.dumps({**empty, "metadata": {}}))
    (tmp_path / "hist.dat").write_text("h")
    return tmp_path


def _run(line: str) -> tuple[int, str]:
    result = CliRunner().invoke(root, shlex.split(line), prog_name="nbrucio")
    return result.exit_code, result.stderr


@pytest.mark.parametrize("line", LINES)
def test_every_verb_says_once_how_to_get_an_instance(home: Path, line: str) -> None:
    code, err = _run(line)
    assert code == 2, err
    assert err.count("No Rucio instance is configured on this machine.") == 1, err
    assert err.count("`nbrucio config init`") == 1
    assert err.count("`nbrucio demo` needs no instance") == 1
    assert err.endswith("next: nbrucio config init\n")
    assert str(home / "xdg_config_home" / "nbrucio" / "config.toml") in err


def test_first_messages_as_in_the_snapshot(home: Path, snapshots: Snapshots) -> None:
    def shown(line: str) -> tuple[str, str]:
        return f"nbrucio {line}", _run(line)[1].replace(str(home), "HOME")

    texts = [shown("sync declared.ipynb")]
    (home / "jupyter_config_dir" / "jupyter_server_config.py").write_text("c.RucioConfig.instances = []\n")
    (home / ".rucio.cfg").write_text("[client]\n")
    texts += [
        shown("search 'user.jdoe:*'"),
        shown("search 'user.jdoe:*' --instance cms"),
        shown("config import x.yaml"),
    ]
    snapshots.check("cli-first-run.txt", texts)
