"""Typing a command is consent to what it brings: opening the notebook in Jupyter may bring the same again."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Cli

Write = Callable[..., Path]
DIMUON = {"did": "sandbox:dimuon", "handle": "dimuon"}


def grants(cli: Cli) -> dict[str, tuple[str, int]]:
    """By DID, the instance and size of what was agreed to."""
    path = Path(cli.env["HOME"], ".config", "nbrucio", "grants.json")
    if not path.exists():
        return {}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return {one["did"]: (one["instance"], one["max_bytes"]) for one in json.loads(path.read_text())["grants"]}


def test_adding_a_did_agrees_to_it_up_to_its_size(connected: Cli) -> None:
    connected("init", "new.ipynb")
    connected("add", "new.ipynb", "sandbox:dimuon")
    lock = json.loads((connected.folder / "new.ipynb").read_text())["metadata"]["nbrucio"]["lock"]["dimuon"]
    assert grants(connected) == {"sandbox:dimuon": ("sandbox.localhost", lock["bytes"])}


def test_adding_without_looking_agrees_to_nothing(connected: Cli) -> None:
    connected("init", "new.ipynb")
    assert connected("add", "new.ipynb", "sandbox:dimuon", "--offline").exit_code == 0
    assert grants(connected) == {}


def test_a_sync_agrees_to_what_it_brings(connected: Cli, notebook: Write) -> None:
    path = notebook(DIMUON, {"did": "sandbox:no-such-thing", "handle": "gone"})
    result = connected("sync", path, "--json")
    assert grants(connected) == {"sandbox:dimuon": ("sandbox.localhost", result.facts["downloaded_bytes"])}
    Path(connected.env["HOME"], ".config", "nbrucio", "grants.json").unlink()
    connected("sync", path)  # brings nothing
    assert grants(connected) == {}


def test_a_sync_once_agrees_to_nothing_later(connected: Cli, notebook: Write) -> None:
    assert connected("sync", notebook(DIMUON), "--once").exit_code == 0
    assert grants(connected) == {}


def test_a_plan_agrees_to_nothing(connected: Cli, notebook: Write) -> None:
    assert connected("sync", notebook(DIMUON), "--dry-run").exit_code == 0
    assert grants(connected) == {}


def test_consent_that_cannot_be_kept_is_told_and_the_data_comes(connected: Cli, notebook: Write) -> None:
    blocked = connected.folder / "a-file"
    blocked.write_text("")
    result = connected("sync", notebook(DIMUON), NBRUCIO_GRANTS=str(blocked / "grants.json"))
    assert result.exit_code == 0
    assert "warning: your consent to these downloads could not be saved: " in result.err
