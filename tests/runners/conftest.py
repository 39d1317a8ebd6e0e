"""Runners as a user has them: programs of their own, a store of their own, the session's sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.support.access_log import read_requests

BIN = Path(sys.executable).parent
#: Reads every file of a handle and says how many bytes there are.
READ = "import nbrucio\nprint('read', sum(len(open(path, 'rb').read()) for path in nbrucio.data['small']))"
PYTHON = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


@dataclass(frozen=True)
class Done:
    """What a program came to."""

    exit_code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """Everything that it wrote."""
        return self.out + self.err

    @property
    def last_line(self) -> str:
        """The last line on stderr."""
        return self.err.strip().splitlines()[-1]


@dataclass(frozen=True)
class Shell:
    """``shell("papermill", …)`` runs a program of this environment in ``folder``; ``env`` is all that it sees."""

    folder: Path
    env: dict[str, str] = field(repr=False)
    bin: Path = BIN

    def __call__(self, program: str, *words: object, **env: str) -> Done:
        started = self.start(program, *words, **env)
        out, err = started.communicate(timeout=180)
        return Done(started.returncode, out, err)

    def start(self, program: str, *words: object, **env: str) -> subprocess.Popen[str]:
        """The same without waiting."""
        return subprocess.Popen(
            [str(self.bin / program), *map(str, words)],
            cwd=self.folder,
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def store(self) -> Path:
        """The store of this test."""
        return Path(self.env["NBRUCIO_STORE"])

    def notebook(
        self, *requirements: dict[str, Any], code: tuple[str, ...] = (READ,), name: str = "nb.ipynb", **metadata: object
    ) -> Path:
        """A notebook with these code cells that declares these requirements; the first cell holds parameters."""
        cells = [_cell("dataset = 'none'", "parameters"), *(_cell(source) for source in code)]
        declared = {"nbrucio": {"version": 1, "requirements": list(requirements)}} if requirements else {}
        content = {"cells": cells, "metadata": {**PYTHON, **declared, **metadata}, "nbformat": 4, "nbformat_minor": 4}
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")
        return path


def _cell(source: str, *tags: str) -> dict[str, object]:
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def value_of(notebook: Path) -> dict[str, Any]:
    """What a notebook holds under our key."""
    value = json.loads(notebook.read_text())["metadata"]["nbrucio"]
    assert isinstance(value, dict)
    return value


def printed(notebook: Path) -> str:
    """Everything that the cells of an executed notebook printed."""
    cells = json.loads(notebook.read_text())["cells"]
    texts = [output.get("text", "") for cell in cells for output in cell.get("outputs", ())]
    return "".join("".join(text) for text in texts)


def executed_cells(notebook: Path) -> int:
    """How many cells of a notebook were run."""
    return sum(cell.get("execution_count") is not None for cell in json.loads(notebook.read_text())["cells"])


@pytest.fixture
def shell(tmp_path: Path, sandbox: Sandbox) -> Shell:
    """An empty store and a folder of its own."""
    kept = {name: os.environ[name] for name in ("LANG", "SSL_CERT_FILE") if name in os.environ}
    work = tmp_path / "work"
    work.mkdir()
    own = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "NBRUCIO_STORE": str(tmp_path / "store"),
        "NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime"),
        "TMPDIR": str(tmp_path),
        # The debugger's warning about frozen modules would drown the lines that tests look at.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return Shell(work, kept | sandbox.env() | own)


@pytest.fixture(scope="session")
def small(sandbox: Sandbox) -> dict[str, Any]:
    """A requirement of three small files that stand on HTTPS storage, and nothing else asks for."""
    files = [NewFile(Did("sandbox", f"runners/{n}.dat"), bytes([n]) * 5_000) for n in range(3)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        did = add_dataset(client, "sandbox", "runners", [file.did for file in files], closed=True)
    return {"did": str(did), "handle": "small"}


@pytest.fixture(scope="session")
def other(sandbox: Sandbox) -> str:
    """The DID of a dataset of one file of 700 bytes."""
    file = NewFile(Did("sandbox", "runners/other.dat"), bytes(700))
    with sandbox.admin() as client:
        add_files(client, [file], ["SANDBOX_HTTPS"])
        return str(add_dataset(client, "sandbox", "runners.other", [file.did], closed=True))


def sent_bytes(sandbox: Sandbox, start: int, part: str) -> int:
    """How many bytes the storage sent for files whose path holds ``part`` since its log was ``start`` bytes long."""
    requests = read_requests(sandbox.storage_log, start)
    return sum(request.size_bytes for request in requests if request.method == "GET" and part in request.path)


@pytest.fixture(scope="session")
def erased(sandbox: Sandbox) -> str:
    """The DID of a dataset that was there, and that Rucio's own undertaker has erased since."""
    with sandbox.admin() as client:
        file = NewFile(Did("sandbox", "deleted.1.dat"), b"gone")
        add_files(client, [file], ["SANDBOX_HTTPS"])
        did = add_dataset(client, "sandbox", "deleted.since", [file.did], closed=True)
        assert client.get_did(did.scope, did.name)["type"] == "DATASET"
        client.set_metadata(did.scope, did.name, "lifetime", -86_400)
    home = sandbox.root / "server"
    code = (
        "import sys; sys.path = [p for p in sys.path if p]\n"
        "from nbrucio.sandbox.rucio_app import prepare\nprepare()\n"
        "from rucio.daemons.undertaker.undertaker import undertaker\nundertaker(once=True)\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUCIO_")}
    environment |= {"RUCIO_HOME": str(home), "RUCIO_CONFIG": str(home / "etc" / "rucio.cfg")}
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=sandbox.root, capture_output=True, check=True)
    return str(did)
