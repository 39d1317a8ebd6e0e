"""The main job with the lowest and the newest versions of all that nbrucio always needs, on each Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox, seed
from tests.support.clients import pip
from tests.support.interpreters import find
from tools.lowest import lowest

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]  # pip may build an old version

ROOT = Path(__file__).parents[2]
FILES = [seed.NewFile(Did("sandbox", f"lowest/{number}"), os.urandom(200_000)) for number in range(8)]
#: Those that pyproject.toml declares.
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


@pytest.fixture(scope="module", params=product(["lowest", "newest"], PYTHONS), ids="-".join)
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the lowest or the newest versions and nothing else."""
    which, version = request.param
    own = find(version)
    if own is None:
        pytest.skip(f"Python {version} is not installed")
    folder = tmp_path_factory.mktemp(which)
    subprocess.run([own, "-m", "venv", folder / "venv"], check=True)
    found = folder / "venv" / "bin" / "python"
    declared = lowest(ROOT / "pyproject.toml")
    wanted, bounds = folder / "wanted.txt", folder / "bounds.txt"
    wanted.write_text("\n".join(line if which == "lowest" else line.replace("==", ">=") for line in declared) + "\n")
    bounds.write_text("setuptools<80\n")  # the sources of rucio-clients 35.0.0 need pkg_resources
    pip(found, "install", "--upgrade", "--requirement", wanted, env={"PIP_CONSTRAINT": str(bounds)})
    return found


@pytest.fixture(scope="module")
def dataset(sandbox: Sandbox) -> Did:
    """A dataset of files over https."""
    with sandbox.admin() as client:
        seed.add_files(client, FILES, ["SANDBOX_HTTPS"])
        seed.add_dataset(client, "sandbox", "lowest.set", [file.did for file in FILES], closed=True)
    return Did("sandbox", "lowest.set")


def test_the_main_job_works_over_https_at_these_versions(
    python: Path, sandbox: Sandbox, dataset: Did, tmp_path: Path
) -> None:
    notebook = tmp_path / "nb.ipynb"
    declared = {"version": 1, "requirements": [{"did": str(dataset), "handle": "data"}]}
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
    assert "No findings" in nbrucio("check")
    assert "ready to declare" in nbrucio("init")
    assert "ready" in nbrucio("status")
