"""Other versions of rucio-clients than the installed one, and Pythons that have nbrucio without any."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Sources of rucio-clients 35.0 to 35.6 need pkg_resources.
_BOUNDS = "setuptools<80\n"


def pip(python: Path | str, *words: object, env: dict[str, str] | None = None) -> None:
    """Run pip of this Python."""
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, words)]
    done = subprocess.run(command, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def install_clients(folder: Path, version: str) -> Path:
    """Install rucio-clients of this version with all that it needs into ``folder``, for PYTHONPATH; return that."""
    folder.mkdir()
    bounds = folder.with_suffix(".txt")
    bounds.write_text(_BOUNDS)
    pip(
        sys.executable, "install", "--target", folder, f"rucio-clients=={version}",
        "dogpile.cache",  # which 35.0.0 imports and does not require
        env={"PIP_CONSTRAINT": str(bounds)},
    )  # fmt: skip
    return folder


def python_without_clients(folder: Path) -> Path:
    """Make an environment with nbrucio and all that it needs except rucio-clients; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    pip(python, "install", *(name for name in requirements() if not name.startswith("rucio-clients")))
    pip(python, "install", "--no-deps", ROOT)
    return python


def requirements() -> list[str]:
    """What nbrucio always needs, as pyproject.toml declares it."""
    text = (ROOT / "pyproject.toml").read_text()
    listed = text.partition("\ndependencies = [\n")[2].partition("\n]")[0]
    return re.findall(r'^  "([^"]+)"', listed, re.MULTILINE)
