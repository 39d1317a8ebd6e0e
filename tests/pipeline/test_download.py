"""Transfers that begin while the catalogue still answers, and what must not begin early."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Config, Policy
from nbrucio.core.did import Did
from nbrucio.core.events import ApplyStarted, Event, FileFinished, Planned
from nbrucio.core.files import Replica
from nbrucio.core.plan import Access
from nbrucio.disk.threads import DaemonThread
from nbrucio.errors import Interrupted, RucioRefused
from nbrucio.pipeline import download
from nbrucio.pipeline.run import sync

_SOON_S = 20.0


class Recorder:
    """Keeps every event, and lets a test wait for the first file."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.first = threading.Event()

    def report(self, event: Event) -> None:
        """Keep ``event``."""
        self.events.append(event)
        if isinstance(event, FileFinished):
            self.first.set()

    def of(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def notebook(tmp_path: Path, **more: object) -> Path:
    requirement = {"did": "sandbox:dimuon", "handle": "dimuon", **more}
    path = tmp_path / "nb.ipynb"
    metadata = {"nbrucio": {"requirements": [requirement]}}
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


@pytest.fixture(autouse=True)
def as_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let four files begin as early as many do."""
    monkeypatch.setattr(download, "FEW", 0)


def pause(monkeypatch: pytest.MonkeyPatch, recorder: Recorder, then: BaseException | None = None) -> list[bool]:
    """Let the catalogue stop after its second row until a file is here; whether one came, for each time."""
    whole = RucioCatalogue.replicas
    came: list[bool] = []

    def replicas(
        self: RucioCatalogue, dids: Sequence[Did], _malformed: object = None
    ) -> Iterator[tuple[Did, tuple[Replica, ...]]]:
        for number, row in enumerate(whole(self, dids)):
            if number == 2:
                came.append(recorder.first.wait(_SOON_S))
                if then is not None:
                    raise then
            yield row

    monkeypatch.setattr(RucioCatalogue, "replicas", replicas)
    return came


def left_over() -> list[threading.Thread]:
    """Threads of a run that are there still, after they had the time to see that it is over."""
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("nbrucio-")]
    for thread in ours:
        thread.join(_SOON_S)
    return [thread for thread in ours if thread.is_alive()]


def test_files_come_while_the_catalogue_still_answers(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    came = pause(monkeypatch, recorder)
    report = sync([notebook(tmp_path)], config, reporter=recorder)
    assert came == [True]
    assert report.exit_code == 0
    assert report.downloaded_files == 4
    assert recorder.of(ApplyStarted) == [ApplyStarted(4, report.downloaded_bytes)]
    kinds = [type(event) for event in recorder.events]
    assert kinds.index(ApplyStarted) < kinds.index(FileFinished) < kinds.index(Planned)


@pytest.mark.parametrize(
    ("more", "policy"),
    [({}, Policy(max_download_bytes=1000)), ({"access": "stream"}, Policy()), ({"access": "any"}, Policy())],
)
def test_nothing_begins_that_a_plan_could_forbid(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, object], policy: Policy
) -> None:
    monkeypatch.setattr(f"{__name__}._SOON_S", 0.5)
    recorder = Recorder()
    came = pause(monkeypatch, recorder)
    sync([notebook(tmp_path, **more)], config._replace(policy=policy), reporter=recorder)
    assert came == [False]


def test_what_came_before_the_catalogue_failed_is_reported_as_here(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    pause(monkeypatch, recorder, then=RucioRefused("It is gone."))
    report = sync([notebook(tmp_path)], config, reporter=recorder)
    (requirement,) = report.notebooks[0].requirements
    accesses = sorted(file.access for file in requirement.files)
    assert accesses == [Access.DOWNLOAD, Access.DOWNLOAD, Access.MISSING, Access.MISSING]
    assert {file.error.message for file in requirement.files if file.error} == {"It is gone."}
    assert report.exit_code == RucioRefused.exit_code


def test_a_cancel_while_the_catalogue_answers_ends_the_run(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, cancel = Recorder(), threading.Event()
    whole = RucioCatalogue.replicas

    def replicas(
        self: RucioCatalogue, dids: Sequence[Did], _malformed: object = None
    ) -> Iterator[tuple[Did, tuple[Replica, ...]]]:
        for row in whole(self, dids):
            yield row
            recorder.first.wait(_SOON_S)
            cancel.set()
            for thread in threading.enumerate():
                if thread.name == "nbrucio-early":
                    thread.join(_SOON_S)

    monkeypatch.setattr(RucioCatalogue, "replicas", replicas)
    with pytest.raises(Interrupted):
        sync([notebook(tmp_path)], config, reporter=recorder, cancel=cancel)
    assert not left_over()


def test_ctrl_c_while_the_catalogue_answers_stops_what_is_on_its_way(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause(monkeypatch, recorder := Recorder(), then=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        sync([notebook(tmp_path)], config, reporter=recorder)
    assert not left_over()


def test_downloads_that_end_without_a_word_end_the_run(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without memory their thread can neither work nor tell of it."""
    run = DaemonThread.run
    monkeypatch.setattr(DaemonThread, "run", lambda each: None if each.name == "nbrucio-early" else run(each))
    with pytest.raises(MemoryError):
        sync([notebook(tmp_path)], config)


def test_downloads_that_get_no_thread_end_the_run_with_that_error(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = DaemonThread.start

    def limited(thread: DaemonThread) -> None:
        if thread.name == "nbrucio-early":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(DaemonThread, "start", limited)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        sync([notebook(tmp_path)], config)
