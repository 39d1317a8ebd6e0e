"""An environment with the engines and libraries of the extra ``world-cluster``, and data for them."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.runners.conftest import Shell, shell

__all__ = ["shell"]  # a fixture of the runners' tests

ROOT = Path(__file__).parents[3]
#: Entries in each file of `events`.
ENTRIES = 1_000


@pytest.fixture(scope="session")
def cluster_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its programs."""
    folder = tmp_path_factory.mktemp("cluster") / "bin"
    subprocess.run([sys.executable, "-m", "venv", folder.parent], check=True)
    # Compiling all modules would take longer than the tests, which use a few of them.
    install = [folder / "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--editable"]
    subprocess.run([*install, f"{ROOT}[world-cluster]"], check=True)
    return folder


@pytest.fixture
def cluster(shell: Shell, cluster_bin: Path) -> Shell:
    """An empty store and a folder of its own, with the programs of that environment."""
    return replace(shell, bin=cluster_bin, env=shell.env | {"PATH": f"{cluster_bin}:/usr/sbin:/usr/bin:/sbin:/bin"})


def root_file(first: int) -> bytes:
    """A ROOT file with the tree ``Events``, whose branch ``x`` counts from ``first``."""
    import numpy as np
    import uproot

    data = io.BytesIO()
    with uproot.recreate(data) as file:
        file.mktree("Events", {"x": "int64"})
        file["Events"].extend({"x": np.arange(first, first + ENTRIES)})
        return data.getvalue()  # before uproot closes it; everything is written in one step


@pytest.fixture(scope="session")
def events(sandbox: Sandbox) -> dict[str, Any]:
    """A requirement of four ROOT files on HTTPS storage; their branch ``x`` counts the entries of all."""
    names = ("1.root", "2.root.1", "3-4.root", "4.root")
    files = [NewFile(Did("sandbox", f"events/{name}"), root_file(n * ENTRIES)) for n, name in enumerate(names)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        did = add_dataset(client, "sandbox", "events", [file.did for file in files], closed=True)
    return {"did": str(did), "handle": "muons"}


@pytest.fixture(scope="session")
def streamed(sandbox: Sandbox) -> dict[str, Any]:
    """A requirement of one ROOT file on HTTPS storage that is streamed."""
    file = NewFile(Did("sandbox", "events/far.root"), root_file(0))
    with sandbox.admin() as client:
        add_files(client, [file], ["SANDBOX_HTTPS"])
    return {"did": str(file.did), "handle": "far", "access": "stream"}


@pytest.fixture(scope="session")
def mounted(sandbox: Sandbox) -> dict[str, Any]:
    """A requirement of one ROOT file on the mounted RSE."""
    file = NewFile(Did("sandbox", "events/near.root"), root_file(0))
    with sandbox.admin() as client:
        add_files(client, [file], ["SANDBOX_MOUNT"])
    return {"did": str(file.did), "handle": "near"}
