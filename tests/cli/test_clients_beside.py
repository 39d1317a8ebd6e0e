"""nbrucio beside another rucio-clients: PYTHONPATH begins with one that cannot even be imported."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox, seed
from tests.cli.conftest import Cli


@pytest.fixture
def beside(connected: Cli, tmp_path: Path) -> Cli:
    """A command line whose PYTHONPATH has modules of the names of rucio-clients', which end the process."""
    folder = tmp_path / "before"
    for name in ("rucio", "rucio_client", "requests", "dogpile"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("import os; os._exit(97)\n")
    return Cli(connected.folder, {**connected.env, "PYTHONPATH": str(folder)})


def test_a_notebook_is_synced_and_its_data_staged_and_uploaded(
    beside: Cli, notebook: Callable[..., Path], sandbox: Sandbox
) -> None:
    own = uuid.uuid4().hex[:8]
    with sandbox.admin() as client:
        file = seed.add_file(client, "sandbox", f"beside/{own}", b"content", ["SANDBOX_POSIX"])
    path = notebook({"did": str(file), "handle": "data"})
    for words in (
        ("sync", path),
        ("status", "--check", path),
        ("show", file),
        ("search", f"{file}*"),
        ("stage", path, "data"),
        ("stage", "--list", path, "data"),
    ):
        done = beside(*words)
        assert done.exit_code == 0, (words, done)
    (beside.folder / f"{own}.dat").write_bytes(b"content")
    target = ("--rse", "SANDBOX_SCRATCHDISK", "--scope", "user.sandbox", "--dataset", f"beside.{own}")
    sent = beside("upload", beside.folder / f"{own}.dat", *target)
    assert sent.exit_code == 0, sent
    with sandbox.client() as client:
        assert [row["name"] for row in client.list_files("user.sandbox", f"beside.{own}")] == [f"{own}.dat"]
