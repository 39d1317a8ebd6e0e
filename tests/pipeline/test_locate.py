"""By which names replicas are asked for, on a real server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.core.files import Replica
from nbrucio.core.report import SyncReport
from nbrucio.errors import NbrucioError
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_container, add_dataset, add_files, attach

Asked = list[list[str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The names of each question for replicas."""
    questions: Asked = []
    whole = RucioCatalogue.replicas

    def replicas(
        self: RucioCatalogue, dids: Sequence[Did], malformed: Callable[[NbrucioError], object] | None = None
    ) -> Iterator[tuple[Did, tuple[Replica, ...]]]:
        if dids:
            questions.append([did.name for did in dids])
        return whole(self, dids, malformed)

    monkeypatch.setattr(RucioCatalogue, "replicas", replicas)
    return questions


@pytest.fixture(scope="module")
def parts(sandbox: Sandbox) -> dict[str, list[Did]]:
    """Two closed datasets that share a file, an open one, a container of the closed ones, and one that lost a file."""
    files = {name: [Did("sandbox", f"locate/{name}{n}") for n in range(3)] for name in "abc"}
    with sandbox.admin() as client:
        add_files(
            client, [NewFile(did, did.name.encode()) for some in files.values() for did in some], ["SANDBOX_POSIX"]
        )
        one = add_dataset(client, "sandbox", "locate.one", files["a"], closed=True)
        two = add_dataset(client, "sandbox", "locate.two", [*files["b"], files["a"][0]], closed=True)
        add_container(client, "sandbox", "locate.all", [one, two], closed=True)
        add_dataset(client, "sandbox", "locate.open", files["c"])
        add_dataset(client, "sandbox", "locate.short", files["c"][:2], closed=True)
    return files


def bring(config: Config, folder: Path, *names: str) -> SyncReport:
    requirements = [{"did": f"sandbox:{name}", "handle": f"h{number}"} for number, name in enumerate(names)]
    metadata = {"requirements": requirements}
    path = folder / "nb.ipynb"
    path.write_text(
        json.dumps({"cells": [], "metadata": {"nbrucio": metadata}, "nbformat": 4, "nbformat_minor": 5}) + "\n"
    )
    return sync([path], config, options=Options())


def had(report: SyncReport) -> list[str]:
    files = [file for one in report.notebooks[0].requirements for file in one.files if file.where is not None]
    return sorted({file.entry.did.name.rpartition("/")[2] for file in files})


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize(
    ("names", "questions"),
    [
        (["locate.one"], [["locate.one"]]),
        (["locate.all"], [["locate.all"]]),
        # What two datasets share is asked for by the first.
        (["locate.one", "locate.two"], [["locate.one", "locate/b0", "locate/b1", "locate/b2"]]),
        (["locate.open"], [["locate/c0", "locate/c1", "locate/c2"]]),
        (["locate/a0", "locate.open"], [["locate/a0", "locate/c0", "locate/c1", "locate/c2"]]),
    ],
)
def test_what_is_lacking_as_a_whole_is_asked_for_by_its_name(
    config: Config, tmp_path: Path, asked: Asked, names: list[str], questions: Asked
) -> None:
    report = bring(config, tmp_path, *names)
    assert report.exit_code == 0
    assert asked == questions
    assert report.downloaded_files == len(had(report))


@pytest.mark.usefixtures("parts")
def test_what_is_here_in_part_is_asked_for_by_its_files(config: Config, tmp_path: Path, asked: Asked) -> None:
    bring(config, tmp_path, "locate/a1")
    report = bring(config, tmp_path, "locate.one")
    assert asked == [["locate/a1"], ["locate/a0", "locate/a2"]]
    assert had(report) == ["a0", "a1", "a2"]


@pytest.mark.usefixtures("parts")
def test_more_files_than_one_request_is_for_are_asked_for_one_by_one(
    config: Config, tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbrucio.pipeline.locate._AT_ONCE", 5)
    bring(config, tmp_path, "locate.all")
    assert len(asked[0]) == 6


def test_a_locked_file_that_left_its_dataset_is_asked_for_by_its_own_name(
    config: Config, sandbox: Sandbox, tmp_path: Path, asked: Asked, parts: dict[str, list[Did]]
) -> None:
    report = bring(config, tmp_path, "locate.short")
    assert had(report) == ["c0", "c1"]
    lost = parts["c"][1]
    with sandbox.admin() as client:
        client.set_status("sandbox", "locate.short", open=True)
        client.detach_dids("sandbox", "locate.short", [{"scope": lost.scope, "name": lost.name}])
        attach(client, "sandbox", "locate.short", parts["c"][2:])
    fresh = load({**sandbox.env(), "HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "other")})
    for kept in ("lists", "notebooks"):  # what was resolved, without the files
        shutil.copytree(tmp_path / "store" / kept, tmp_path / "other" / kept)
    del asked[:]
    report = bring(fresh, tmp_path, "locate.short")
    assert asked == [["locate.short"], ["locate/c1"]]
    assert had(report) == ["c0", "c1"]


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda row: {**row, "pfns": ["file:///x"]}, "b1' is malformed: replicas"),
        (lambda row: {**row, "pfns": {"file:///x": None}}, "b1' is malformed: replicas"),
        (lambda row: {**row, "pfns": {"file:///x": {"rse": 1, "priority": "a"}}}, "b1' is malformed: replicas"),
        (lambda row: {"pfns": row["pfns"]}, "No replica of sandbox:locate/b1 is available"),
        (lambda _row: "a text", "No replica of sandbox:locate/b1 is available"),
        (lambda row: {**row, "name": "b1\n"}, "No replica of sandbox:locate/b1 is available"),
    ],
)
def test_a_malformed_row_of_replicas_costs_its_file_only(
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    sent = RucioCatalogue._rows

    def rows(self: RucioCatalogue, *question: Any) -> Iterator[object]:
        for row in sent(self, *question):
            hit = isinstance(row, dict) and "pfns" in row and row["name"] == "locate/b1"
            yield damage(row) if hit and isinstance(row, dict) else row

    monkeypatch.setattr(RucioCatalogue, "_rows", rows)
    report = bring(config, tmp_path, "locate.two", "locate.one")
    assert had(report) == ["a0", "a1", "a2", "b0", "b2"]
    (error,) = report.errors()
    assert message in error.message
    assert report.exit_code == error.exit_code != 0
