"""Plans: every scenario is a file in ``scenarios/plan``, and one test runs them all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.plan import Access, Amount, DownloadLimits, FileKey, Plan, ResolvedRequirement
from nbrucio.core.planner import Availability, make_plan, wanted
from nbrucio.core.requirement import Requirement
from nbrucio.errors import CredentialsRejected

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.json"))
INSTANCE = "one.example"


def file(name: str, size_bytes: int | None) -> FileEntry:
    return FileEntry(Did("sandbox", name), size_bytes)


def resolved(written: dict[str, Any]) -> ResolvedRequirement:
    requirement = Requirement(Did("sandbox", written["handle"]), written["handle"], access=written.get("access"))
    files = tuple(file(name, size) for name, size in sorted(written["files"].items()))
    return ResolvedRequirement(requirement, written.get("instance", INSTANCE), files)


def replica(text: str) -> Replica:
    return Replica(text.removeprefix("tape:"), f"https://{text}/file", tape=text.startswith("tape:"))


def planned(scenario: dict[str, Any]) -> Plan:
    requirements = [resolved(written) for written in scenario["requirements"]]
    instances = {one.instance for one in requirements}

    def keys(names: list[str]) -> dict[FileKey, str]:
        return {(instance, Did("sandbox", name)): f"/here/{name}" for instance in instances for name in names}

    stored = keys(scenario.get("stored", []))
    replicas = {
        (instance, Did("sandbox", name)): tuple(map(replica, places))
        for instance in instances
        for name, places in scenario.get("replicas", {}).items()
    }
    mounted = {key: (path, replica("MOUNTED")) for key, path in keys(scenario.get("mounted", [])).items()}
    availability = Availability(stored, mounted, replicas, {})
    return make_plan(requirements, availability, DownloadLimits(**scenario.get("limits", {"free_bytes": 10**12})))


def outcome(plan: Plan) -> dict[str, Any]:
    """A plan in the words of the scenario files."""
    found: dict[str, Any] = {
        one.resolved.requirement.handle: {
            each.entry.did.name: each.error.code if each.error else each.access.value for each in one.files
        }
        for one in plan.requirements
    }
    found |= {"downloads": [each.entry.did.name for _, each in plan.downloads], "bytes": plan.download_bytes}
    return found | ({"refusal": plan.refusal.code} if plan.refusal else {})


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    scenario = json.loads(path.read_text())
    assert outcome(planned(scenario)) == scenario["expect"], scenario["what"]


def test_a_catalogue_that_refuses_is_told_for_each_file_that_needed_it() -> None:
    error = CredentialsRejected("no")
    one = resolved({"handle": "muons", "files": {"a": 1, "b": 2}})
    availability = Availability({(INSTANCE, Did("sandbox", "a")): "/a"}, {}, {}, {INSTANCE: error})
    plan = make_plan([one], availability, DownloadLimits(10**9))
    assert [each.access for each in plan.requirements[0].files] == [Access.STORE, Access.MISSING]
    assert plan.requirements[0].files[1].error is error


def test_only_what_is_not_here_is_asked_for_and_once() -> None:
    one, two = (
        resolved({"handle": "x", "files": {"a": 1, "b": 2}}),
        resolved({"handle": "y", "files": {"b": 2, "c": 3}}),
    )
    have = {(INSTANCE, Did("sandbox", "a")): "/a"}
    assert {instance: list(files) for instance, files in wanted([one, two], have, {}).items()} == {
        INSTANCE: [Did("sandbox", "b"), Did("sandbox", "c")]
    }


def test_a_plan_counts_by_access() -> None:
    plan = planned(json.loads((SCENARIOS[0].parent / "mount-before-download.json").read_text())).requirements[0]
    assert plan.amounts()[Access.DOWNLOAD] == Amount(1, 30)
