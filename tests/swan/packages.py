"""The packages of SWAN's image, from PyPI, as its Dockerfiles install them (jupyter-images b24af8b)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support import interpreters
from tests.swan.conftest import DEPLOYED

#: The server's Python.
VERSION = "3.11"
#: With what they need.
WITH = {
    "jupyterlab": "4.5.6",
    "jupyterhub": "5.4.3",
    "nbclassic": "1.3.3",
    "jupyter_core": "5.9.1",
    "ipykernel": "6.29.5",
    "jupyter-server-proxy": "4.4.0",
    "jupyter-resource-usage": "1.2.0",
    "jupyterlab-git": "0.51.4",
    "PyJWT": "",
}
#: With ``--no-deps``.
WITHOUT = {
    "swanheader": "2.0.2",
    "swancontents": "2.1.25",
    "swanhelp": "3.0.3",
    "swankernelenv": "1.0.0",
    "swanoauthrenew": "1.0.2",
    "swanshare": "2.0.3",
    "swancustomenvironments": "0.0.37",
    "swanportallocator": "2.0.0",
    "swandask": "0.0.6",
    "swanmetrics": "1.0.8",
    "peewee": "4.0.4",
    "rucio-jupyterlab": "40.0.2",
}
#: What a Rucio session has first on its PYTHONPATH, from CVMFS.
RUCIO_TREE = ("rucio-jupyterlab==40.0.2", "rucio-clients==35.8.0", "notebook==6.5.7", "jupyter_client==7.4.9")


def install(folder: Path, *, pinned: bool) -> Path:
    """An environment with SWAN's packages and without nbrucio; returns its Python.

    Args:
        pinned: at SWAN's versions, else at the newest ones.
    """
    python = sys.executable if interpreters.find(VERSION) is None else interpreters.get(VERSION)
    subprocess.run([python, "-m", "venv", folder], check=True)
    found = folder / "bin" / "python"
    pip(found, *_requirements(WITH, pinned))
    pip(found, "--no-deps", *_requirements(WITHOUT, pinned))
    return found


def install_nbrucio(python: Path, wheel: Path, *, libraries: bool) -> None:
    """Install nbrucio as SWAN would, with or without the other lines of `deploy/swan/Dockerfile`."""
    pip(python, "--no-deps", str(wheel))
    if libraries:
        pip(python, "--no-deps", *pins())


def pins() -> list[str]:
    """The libraries in the lines for the Dockerfile."""
    text = (DEPLOYED / "Dockerfile").read_text("utf-8")
    return [pin for pin in re.findall(r"^ {8}(\S+==\S+)", text, re.MULTILINE) if not pin.startswith("nbrucio==")]


def pip(python: Path, *words: str) -> None:
    """Run ``pip install``."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def _requirements(packages: dict[str, str], pinned: bool) -> list[str]:
    return [f"{name}=={version}" if pinned and version else name for name, version in packages.items()]
