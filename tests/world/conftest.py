"""An environment with the programs of the extra ``world``."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.runners.conftest import Shell, erased, shell, small

__all__ = ["erased", "shell", "small"]  # fixtures of the runners' tests

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def world_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its programs."""
    folder = tmp_path_factory.mktemp("world") / "bin"
    subprocess.run([sys.executable, "-m", "venv", folder.parent], check=True)
    install = [folder / "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", f"{ROOT}[world]"]
    subprocess.run(install, check=True)
    return folder


@pytest.fixture(name="world")
def programs_of_the_world(request: pytest.FixtureRequest, world_bin: Path) -> Shell:
    """An empty store and a folder of its own, with the programs of that environment."""
    made: Shell = request.getfixturevalue("shell")
    return replace(made, bin=world_bin, env=made.env | {"PATH": f"{world_bin}:/usr/bin:/bin"})
