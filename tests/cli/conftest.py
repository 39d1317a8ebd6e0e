"""The command line as a user has it: a process of its own, a store of its own, the session's sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_file, add_files, replica_paths


@dataclass(frozen=True)
class Result:
    """What one call of the command line came to."""

    exit_code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    """``cli("sync", notebook)`` runs it in ``folder``; ``env`` is all of the environment that it sees."""

    folder: Path
    env: dict[str, str] = field(repr=False)

    def __call__(self, *words: object, **env: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "nbrucio_cli", *map(str, words)],
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    @property
    def store(self) -> Path:
        """The store of this test."""
        return Path(self.env["NBRUCIO_STORE"])

    def python(self, code: str) -> str:
        """What a program prints that uses nbrucio beside this command line."""
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=self.folder, env=self.env, capture_output=True, text=True, check=True
        )
        return done.stdout


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """A command line without any configuration."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
    home = tmp_path / "home"
    work = tmp_path / "work"
    home.mkdir()
    work.mkdir()
    own = {
        "HOME": str(home),
        "NBRUCIO_STORE": str(tmp_path / "store"),
        "NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime"),
        "TMPDIR": str(tmp_path),
    }
    return Cli(work, kept | own)


@pytest.fixture
def connected(cli: Cli, sandbox: Sandbox) -> Cli:
    """A command line that is configured for the sandbox."""
    return Cli(cli.folder, sandbox.env() | cli.env)


@pytest.fixture
def notebook(cli: Cli) -> Callable[..., Path]:
    """Writes a notebook that declares what is given; ``notebook({"did": …, "handle": …})``."""

    def write(*requirements: object, name: str = "nb.ipynb", **metadata: object) -> Path:
        value = {"version": 1, "requirements": list(requirements)}
        content = {"cells": [], "metadata": {"nbrucio": value, **metadata}, "nbformat": 4, "nbformat_minor": 5}
        path = cli.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")
        return path

    return write


@pytest.fixture(scope="session")
def thousand(sandbox: Sandbox) -> str:
    """The DID of a dataset of 1,000 small files."""
    files = [NewFile(Did("sandbox", f"thousand/{number:04}.dat"), f"file {number}".encode()) for number in range(1000)]
    with sandbox.admin() as client:
        add_files(client, files, ["SANDBOX_HTTPS"])
        return str(add_dataset(client, "sandbox", "thousand", [file.did for file in files], closed=True))


@pytest.fixture
def placed(sandbox: Sandbox) -> Callable[..., list[Path]]:
    """Adds a file to RSEs and gives the paths of its replicas there, for tests that damage them."""

    def add(name: str, data: bytes, *rses: str) -> list[Path]:
        with sandbox.admin() as client:
            did = add_file(client, "sandbox", name, data, rses)
            return [replica_paths(client, rse, [did])[did] for rse in rses]

    return add
