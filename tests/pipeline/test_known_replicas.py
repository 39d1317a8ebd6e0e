"""Replicas that processes of one machine tell each other."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from nbrucio.config import Config, Instance
from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts, FileEntry, Replica
from nbrucio.core.lockentry import lock_entry
from nbrucio.core.plan import FileKey, ResolvedRequirement
from nbrucio.core.requirement import Requirement
from nbrucio.errors import Offline
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.known_replicas import asking
from nbrucio.state.replica_answers import ReplicaAnswers
from nbrucio.state.replica_places import ReplicaPlaces

DID = Did("s", "data")
FILES = tuple(FileEntry(Did("s", f"{number}"), 10) for number in range(3))
BY_DID = {entry.did: entry for entry in FILES}
FACTS = DidFacts(DID, DidType.DATASET, False)
RESOLVED = ResolvedRequirement(
    Requirement(DID, "data"), "x", FILES, lock_entry(FACTS, None, FILES, "2026-11-23T10:00:00Z")
)
ANSWERS: dict[FileKey, tuple[Replica, ...]] = {
    ("x", FILES[0].did): (Replica("A", "https://a/0"), Replica("B", "root://b/0")),
    ("x", FILES[1].did): (Replica("T", "root://t/1", tape=True), Replica("A", "https://a/1?X-Amz-Signature=secret")),
}
NO_ANSWERS: dict[FileKey, tuple[Replica, ...]] = {}
Known = Mapping[Did, tuple[Replica, ...]]


def run_at(folder: Path, seconds: int, only: str | None = None) -> RunContext:
    """A run that began so many seconds from now, with this RSE expression."""
    instance = Instance("x", "x", "https://x.example", "https://x.example", "userpass")
    run = RunContext(Config((instance,), instance, folder / "store"))
    run.replica_answers = ReplicaAnswers(folder / "store", only, time.time_ns() + seconds * 10**9)
    return run


def known(run: RunContext, answers: Mapping[FileKey, tuple[Replica, ...]] = NO_ANSWERS) -> Known:
    """What ``run`` learns of another one, before it records its own ``answers``."""
    with asking(run, [RESOLVED], "x", BY_DID, answers) as found:
        return found


@pytest.mark.parametrize(("seconds", "used"), [(-60, True), (0, True), (20, True), (40, False)])
def test_an_answer_serves_runs_that_begin_within_half_a_minute(tmp_path: Path, seconds: int, used: bool) -> None:
    assert known(run_at(tmp_path, 0), ANSWERS) == {}
    found = {FILES[0].did: ANSWERS["x", FILES[0].did]}  # neither tape nor a URL with a signature
    assert known(run_at(tmp_path, seconds)) == (found if used else {})
    with asking(run_at(tmp_path, seconds), [RESOLVED], "x", {FILES[2].did: FILES[2]}, {}) as needed:
        assert needed == {}, "only files that are needed"
    assert not list(tmp_path.rglob("*.lock"))


def test_an_answer_for_one_rse_expression_is_not_used_with_another(tmp_path: Path) -> None:
    known(run_at(tmp_path, 0), ANSWERS)
    assert known(run_at(tmp_path, 0, "B"), {("x", FILES[0].did): (Replica("B", "root://b/0"),)}) == {}
    assert known(run_at(tmp_path, 0, "B")) == {FILES[0].did: (Replica("B", "root://b/0"),)}
    assert known(run_at(tmp_path, 0)) == {FILES[0].did: ANSWERS["x", FILES[0].did]}


def test_an_answer_that_is_added_to_keeps_its_time(tmp_path: Path) -> None:
    known(run_at(tmp_path, 0), ANSWERS)
    (recorded,) = (tmp_path / "store" / "answers").iterdir()
    before_ns = recorded.stat().st_mtime_ns - 20 * 10**9
    os.utime(recorded, ns=(before_ns, before_ns))
    known(run_at(tmp_path, 0), {("x", FILES[2].did): (Replica("A", "https://a/2"),)})
    assert set(known(run_at(tmp_path, 0))) == {FILES[0].did, FILES[2].did}
    assert known(run_at(tmp_path, 20)) == {}


def test_old_answers_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "store" / "answers"
    folder.mkdir(parents=True)
    for name, age_s in (("old", 100), ("young", 50)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age_s,) * 2)
    known(run_at(tmp_path, 0), ANSWERS)
    assert {path.name for path in folder.iterdir()} >= {"young"}
    assert not (folder / "old").exists()


def test_a_failed_download_forgets_the_answer_that_it_used_and_no_later_one(tmp_path: Path) -> None:
    known(run_at(tmp_path, 0), ANSWERS)
    first, second = run_at(tmp_path, 0), run_at(tmp_path, 0)
    assert known(first) == known(second) != {}
    assert RESOLVED.lock is not None
    first.replica_answers.forget("x", RESOLVED.lock.digest)
    assert known(run_at(tmp_path, 0), ANSWERS) == {}
    second.replica_answers.forget("x", RESOLVED.lock.digest)
    assert known(run_at(tmp_path, 0)) != {}


def test_a_run_that_gets_no_answer_records_none(tmp_path: Path) -> None:
    try:
        with asking(run_at(tmp_path, 0), [RESOLVED], "x", BY_DID, ANSWERS):
            raise Offline("x cannot be reached.")
    except Offline:
        pass
    assert known(run_at(tmp_path, 0)) == {}


def test_an_answer_from_before_the_clock_was_set_back_is_not_used(tmp_path: Path) -> None:
    known(run_at(tmp_path, 0), ANSWERS)
    (recorded,) = (tmp_path / "store" / "answers").iterdir()
    later_ns = recorded.stat().st_mtime_ns + 86_400 * 10**9
    os.utime(recorded, ns=(later_ns, later_ns))
    assert known(run_at(tmp_path, 0)) == {}


def test_a_run_with_an_rse_expression_reads_and_keeps_the_places_of_others(tmp_path: Path) -> None:
    places, only = ReplicaPlaces(tmp_path), ReplicaPlaces(tmp_path, "B")
    did, at_a, at_b = FILES[0].did, Replica("A", "https://a/0"), Replica("B", "root://b/0")
    places.add("x", "sha256:0", {did: (at_a, at_b), FILES[1].did: (at_a,)})
    assert only.read("x", "sha256:0") == {did: (at_b,)}
    only.add("x", "sha256:0", {did: (at_b,)})
    assert places.read("x", "sha256:0") == {did: (at_b, at_a), FILES[1].did: (at_a,)}
