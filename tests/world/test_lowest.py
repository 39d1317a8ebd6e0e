"""The main job with the lowest versions of all that nbrucio always needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox, seed
from tests.support.clients import pip

pytestmark = pytest.mark.world

ROOT = Path(__file__).parents[2]
FILES = [seed.NewFile(Did("sandbox", f"lowest/{number}"), os.urandom(200_000)) for number in range(8)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the lowest versions and nothing else."""
    folder = tmp_path_factory.mktemp("lowest")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    found = folder / "venv" / "bin" / "python"
    wanted = folder / "lowest.txt"
    declared = [sys.executable, ROOT / "tools" / "lowest.py"]
    wanted.write_text(subprocess.run(declared, capture_output=True, text=True, check=True).stdout)
    bounds = folder / "bounds.txt"
    bounds.write_text("setuptools<80\n")  # the sources of rucio-clients 35.0.0 need pkg_resources
    pip(found, "install", "--requirement", wanted, env={"PIP_CONSTRAINT": str(bounds)})
    return found


def test_the_main_job_works_over_https_at_the_lowest_versions(python: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    with sandbox.admin() as client:
        seed.add_files(client, FILES, ["SANDBOX_HTTPS"])
        seed.add_dataset(client, "sandbox", "lowest.set", [file.did for file in FILES], closed=True)
    notebook = tmp_path / "nb.ipynb"
    declared = {"version": 1, "requirements": [{"did": "sandbox:lowest.set", "handle": "data"}]}
    notebook.write_text(
        json.dumps({"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5})
    )
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "NBRUCIO_STORE": str(tmp_path / "store"),
        "NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime"),
        "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in (".", "cli", "schemas")),
        **sandbox.env(),
    }
    code = "import sys; from nbrucio_cli import main; sys.exit(main())"

    def nbrucio(*words: str) -> str:
        done = subprocess.run(
            [python, "-c", code, *words, notebook], env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, (done.returncode, done.stderr)
        return done.stdout

    assert "8 files downloaded" in nbrucio("sync")
    shutil.rmtree(tmp_path / "store")
    nbrucio("sync")  # with the token that is kept now, and so without rucio-clients
    assert "8 files" in nbrucio("verify")
    nbrucio("lock")
    assert "ready" in nbrucio("status")
