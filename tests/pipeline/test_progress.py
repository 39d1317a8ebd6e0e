"""How far a sync is, counted from a run's events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.core.events import (
    ApplyStarted,
    BytesArrived,
    Event,
    FileFinished,
    FileStarted,
    Planned,
    Waiting,
)
from nbrucio.core.files import FileEntry
from nbrucio.core.plan import Access, FilePlan, Plan, RequirementPlan, ResolvedRequirement
from nbrucio.core.requirement import Requirement
from nbrucio.pipeline import progress
from nbrucio.pipeline.progress import Progress, Throttled

HERE, COMING, SHARED = (Did("a", name) for name in ("here", "coming", "shared"))


def planned() -> Plan:
    """Two requirements: one with a file that is here, and one file that both hold."""

    def file(did: Did, access: Access) -> FilePlan:
        return FilePlan(FileEntry(did, 100, None), access, Path("/x") if access is Access.STORE else None)

    def one(handle: str, *files: FilePlan) -> RequirementPlan:
        return RequirementPlan(ResolvedRequirement(Requirement(Did("a", handle), handle), "rucio"), files)

    shared = file(SHARED, Access.DOWNLOAD)
    first = one("first", file(HERE, Access.STORE), shared)
    second = one("second", file(COMING, Access.DOWNLOAD), shared)
    return Plan((first, second), (), None)


@pytest.mark.parametrize("before", [0, 2, 5])
def test_each_requirement_has_its_share(before: int) -> None:
    """Also of what came before the plan was made."""
    counting = Throttled(lambda _: None)
    events: list[Event] = [
        ApplyStarted(2, 200),
        FileStarted(COMING, "RSE", 100, resumed_bytes=40),
        BytesArrived(COMING, 10),
        BytesArrived(SHARED, 100),
        FileFinished(SHARED, 100),
    ]
    events.insert(before, Planned(planned()))
    for event in events:
        counting.report(event)
    assert counting.progress.as_json() == {
        "files_total": 2,
        "files_done": 1,
        "bytes_total": 200,
        "bytes_done": 150,
        "handles": {
            "first": {"files_total": 2, "files_done": 2, "bytes_total": 200, "bytes_done": 200},
            "second": {"files_total": 2, "files_done": 1, "bytes_total": 200, "bytes_done": 150},
        },
    }
    json.dumps(counting.progress.as_json())


def test_what_was_told_does_not_change_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "INTERVAL_S", 0.0)
    told: list[Progress] = []
    counting = Throttled(told.append)
    for event in (Planned(planned()), BytesArrived(COMING, 10), BytesArrived(COMING, 10)):
        counting.report(event)
    assert [each.handles["second"].bytes_done for each in told] == [0, 10, 20]


def test_only_news_is_told_and_not_too_often() -> None:
    told: list[Progress] = []
    counting = Throttled(told.append)
    counting.report(Waiting(COMING))
    assert told == []
    for _ in range(1000):
        counting.report(BytesArrived(COMING, 1))
    assert len(told) < 1000
    assert counting.progress.bytes_done == 1000
