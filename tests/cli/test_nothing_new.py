"""A plain sync or status with nothing new loads little, and says the same as one that looks."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

Write = Callable[..., Path]
DIMUON = {"did": "sandbox:dimuon", "handle": "dimuon"}


@pytest.fixture
def synced(connected: Cli, notebook: Write) -> Path:
    path = notebook(DIMUON, {"did": "sandbox:growing", "handle": "grown"})
    assert connected("sync", path).exit_code == 0
    return path


def imports(cli: Cli, *words: object) -> set[str]:
    """The modules that a command loads."""
    command = [sys.executable, "-X", "importtime", "-m", "nbrucio_cli", *map(str, words)]
    done = subprocess.run(command, env=cli.env, cwd=cli.folder, capture_output=True, text=True, check=True)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("words", [("sync",), ("status",), ("sync", "--quiet")], ids=" ".join)
def test_nothing_that_a_cached_status_does_not_need_is_loaded(
    connected: Cli, synced: Path, words: tuple[str, ...]
) -> None:
    loaded = imports(connected, *words, synced)
    assert "nbrucio.pipeline.cached_status" in loaded
    assert not loaded & {
        "nbrucio.pipeline.run",
        "nbrucio.pipeline.status",
        "nbrucio.core.plan",
        "nbrucio.store.store",
        "rich",
        "urllib3",
    }


def test_the_words_are_those_of_the_verb(connected: Cli, synced: Path) -> None:
    quick = connected("sync", synced)
    assert (quick.exit_code, quick.out.splitlines()[-1]) == (0, "2 of 2 ready")
    assert quick.out == connected("sync", "--offline", synced).out == connected("status", synced).out
    quiet = connected("sync", "--quiet", synced)
    assert (quiet.exit_code, quiet.out, quiet.err) == (0, "", "")


def test_what_is_missing_comes_with_the_next_command(connected: Cli, notebook: Write) -> None:
    path = notebook(DIMUON)
    assert connected("lock", path).exit_code == 0
    assert "nbrucio.pipeline.status" not in imports(connected, "status", path)
    assert connected("status", path).out.splitlines() == [
        str(path),
        "  missing  dimuon  sandbox:dimuon  0 of 4 files, 0 B of 9.3 MB",
        "0 of 1 ready",
        f"next: nbrucio sync {path}",
    ]


@pytest.mark.parametrize(
    ("env", "coloured"),
    [({"TERM": "xterm"}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
@pytest.mark.parametrize("words", [("sync",), ("status",), ("sync", "--offline")], ids=" ".join)
def test_a_terminal_gets_colour_unless_it_or_its_user_wants_none(
    connected: Cli, synced: Path, env: dict[str, str], coloured: bool, words: tuple[str, ...]
) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "nbrucio_cli", *words, str(synced)]
    subprocess.run(command, env=connected.env | env, stdout=terminal, check=True)
    os.close(terminal)
    said = os.read(controller, 10_000)
    os.close(controller)
    assert (b"\x1b[32mready\x1b[0m" in said, b"\x1b[" in said) == (coloured, coloured)
    assert b"ready" in said


@pytest.mark.usefixtures("synced")
def test_folders_faults_and_options_are_left_to_the_verb(connected: Cli) -> None:
    assert connected("sync", connected.folder).out.splitlines()[-1] == "2 of 2 ready"
    assert connected("status", connected.folder / "none.ipynb").exit_code == 2
    assert connected("sync").exit_code == 2
    assert "Usage" in connected("sync", "--help").out
