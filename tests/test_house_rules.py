"""The rules of the house that a program can check, so that `make test` is all that a change has to pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = [path for folder in ("nbrucio", "cli", "schemas") for path in (ROOT / folder).rglob("*.py")]
CODE += (ROOT / "frontend/src").rglob("*.ts*")


@pytest.mark.parametrize(
    "command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=lambda words: " ".join(words)
)
def test_the_linters_have_nothing_to_say(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_is_a_room() -> None:
    # Normally under 300 lines; what grows past 400 has surely more than one job.
    lengths = {path.relative_to(ROOT): len(path.read_text("utf-8").splitlines()) for path in CODE}
    assert {str(path): lines for path, lines in lengths.items() if lines > 400} == {}
