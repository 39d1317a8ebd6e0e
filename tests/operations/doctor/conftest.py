"""A home of its own for the doctor, the sandbox as its instance, and the command with its findings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from nbrucio_cli.app import root

from nbrucio.sandbox import Sandbox

Ask = Callable[..., dict[str, list[dict[str, Any]]]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any configuration, and no Jupyter server of whoever runs the tests."""
    for name in ("RUCIO_CONFIG", "NBRUCIO_CONFIG", "VIRTUAL_ENV", "CONDA_PREFIX", "X509_USER_PROXY", "BEARER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("RUCIO_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "NBRUCIO_RUNTIME_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ask(home: Path) -> Ask:  # noqa: ARG001 - every command of these tests is for that home
    def call(*words: object, exit_code: int | None = 0) -> dict[str, list[dict[str, Any]]]:
        result = CliRunner().invoke(root, ["doctor", "--json", *map(str, words)], prog_name="nbrucio")
        facts = json.loads(result.stdout)
        assert result.exit_code == facts["exit_code"]
        assert exit_code in (None, result.exit_code), result.stdout
        areas: dict[str, list[dict[str, Any]]] = facts["areas"]
        return areas

    return call


@pytest.fixture
def connected(home: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in (sandbox.env() | {"NBRUCIO_STORE": str(home / "store")}).items():
        monkeypatch.setenv(name, value)
    return home


def declaring(folder: Path, *dids: str) -> Path:
    """Write a notebook that declares these DIDs."""
    declared = {"version": 1, "requirements": [{"did": did, "handle": f"x{at}"} for at, did in enumerate(dids)]}
    path = folder / "my nb.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5}))
    return path
