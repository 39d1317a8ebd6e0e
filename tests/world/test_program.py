"""The program of docs/python.md works with the wheel and what it requires, in an environment with nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.support.clients import pip
from tests.support.wheels import wheel

__all__ = ["wheel"]  # a fixture

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

PAGE = Path(__file__).parents[2] / "docs/python.md"


@pytest.fixture
def python(wheel: Path, tmp_path: Path) -> Path:
    """A Python with the wheel and what it requires."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    found = tmp_path / "venv/bin/python"
    pip(found, "install", wheel)
    return found


def test_the_program_of_the_page_asks_downloads_and_reads(python: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    (program, *_) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(program.splitlines()) <= 20
    (tmp_path / "program.py").write_text(program)
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "nb.ipynb").write_text(json.dumps(notebook))
    own = {
        "PATH": os.defpath,
        "HOME": str(tmp_path / "home"),
        "NBRUCIO_STORE": str(tmp_path / "store"),
        "NBRUCIO_RUNTIME_DIR": str(tmp_path / "run"),
    }

    def run(*words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, *words],
            cwd=tmp_path,
            env=sandbox.env() | own,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )

    added = run("-c", "import nbrucio; nbrucio.add('nb.ipynb', 'sandbox:dimuon', handle='muons')")
    assert (added.returncode, added.stderr) == (0, "")
    refused = run("program.py", "nb.ipynb", answer="n\n")
    assert (refused.returncode, refused.stderr) == (1, "Nothing was downloaded.\n")
    assert not list((tmp_path / "store").rglob("*.root"))
    done = run("program.py", "nb.ipynb", answer="y\n")
    assert (done.returncode, done.stderr) == (0, "")
    paths = [Path(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith("muons ")]
    assert [path.read_bytes()[:4] for path in paths] == [b"root"] * 4
    assert "4 of 4 files" in done.stdout
    known = run("-m", "pip", "list", "--format", "freeze").stdout
    assert not re.search(r"^(rucio|jupyter_server|papermill|pytest)==", known, re.MULTILINE)
