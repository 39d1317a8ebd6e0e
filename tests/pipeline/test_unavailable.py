"""A file without a replica that can be read: why, and before the first byte of the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.catalogue.browse import Browser
from nbrucio.config import Config
from nbrucio.core.events import Event, Noticed
from nbrucio.errors import NbrucioError, Offline
from nbrucio.pipeline.estimate import plan
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from tests.support.odd_rses import OddRses, odd_rses

REASONS = {
    "OFF": "No replica of sandbox:ODD/OFF is available: ODD_OFF is switched off for reading.",
    "TAPE": "sandbox:ODD/TAPE is only on tape (ODD_TAPE).",
    "SRM": "No replica of sandbox:ODD/SRM is available: ODD_SRM offers only srm, which nbrucio does not read.",
    "COPYING": "No replica of sandbox:ODD/COPYING is available: the one at ODD_COPYING is still being copied.",
}


@pytest.fixture(scope="module", autouse=True)
def odd(sandbox: Sandbox) -> Iterator[OddRses]:
    with odd_rses(sandbox, "ODD") as found:
        yield found


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "nb.ipynb"
    declared = {"version": 1, "requirements": [{"did": "sandbox:ODD", "handle": "odd"}]}
    path.write_text(json.dumps({"cells": [], "metadata": {"nbrucio": declared}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def _errors(path: Path, config: Config) -> dict[str, NbrucioError]:
    (found,) = plan([path], config).requirements
    return {file.entry.did.name.removeprefix("ODD/"): file.error for file in found.files if file.error is not None}


def test_a_plan_says_why_each_file_cannot_be_read(config: Config, notebook: Path) -> None:
    errors = _errors(notebook, config)
    assert {name: error.message for name, error in errors.items()} == REASONS
    assert {error.code for error in errors.values()} == {"no-replica"}
    assert all(error.hint for error in errors.values())
    assert errors["OFF"].hint == "Sync again when its operators have switched it on."


def test_a_sync_says_so_before_its_first_byte_and_downloads_the_others(config: Config, notebook: Path) -> None:
    events: list[Event] = []

    class Listener:
        def report(self, event: Event) -> None:
            events.append(event)

    report = sync([notebook], config, reporter=Listener())
    assert (report.exit_code, report.downloaded_files) == (4, 1)
    first = next(at for at, event in enumerate(events) if type(event).__name__ == "FileStarted")
    said = [event.message for event in events[:first] if isinstance(event, Noticed)]
    assert f"'odd': 1 of 5 files cannot be obtained. {REASONS['OFF']}" in said
    assert {sentence.partition("obtained. ")[2] for sentence in said} == set(REASONS.values())


def test_without_an_answer_about_the_rses_the_general_error_stays(
    config: Config, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Offline("The server stopped answering.")

    monkeypatch.setattr(Browser, "replica_facts", away)
    assert _errors(notebook, config)["OFF"].message == "No replica of sandbox:ODD/OFF is available."


def test_each_rse_is_described_once(config: Config, notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[str] = []
    whole = Browser.rse

    def rse(self: Browser, name: str) -> object:
        described.append(name)
        return whole(self, name)

    monkeypatch.setattr(Browser, "rse", rse)
    plan([notebook], config)
    assert sorted(described) == ["ODD_COPYING", "ODD_OFF", "ODD_SRM"]
