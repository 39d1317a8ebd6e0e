"""The pages for contributors name verbs that exist; the workflow runs what CI runs on the Pythons that are claimed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
#: YAML 1.1 reads the key ``on`` as true.
ON = True


def workflow() -> Any:
    return yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text("utf-8"))


def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def classified(kind: str) -> list[str]:
    """The rest of the classifiers that begin with ``kind``."""
    return [line.removeprefix(kind) for line in project()["classifiers"] if line.startswith(kind)]


def test_the_workflow_runs_the_ci_script_on_every_python_that_is_claimed() -> None:
    versions = [one for one in classified("Programming Language :: Python :: ") if one.startswith("3.")]
    job = workflow()["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == versions
    assert project()["requires-python"] == f">={versions[0]}"
    for page in ("README.md", "CONTRIBUTING.md", "docs/install.md"):
        assert f"Python {versions[0]} or newer" in (ROOT / page).read_text("utf-8"), page
    assert ".ci/run" in [step.get("run") for step in job["steps"]]
    assert (ROOT / ".ci/run").read_text("utf-8").splitlines()[-1] == "exec make test"


def test_the_workflow_runs_on_every_system_that_is_claimed() -> None:
    systems = {"MacOS": "macos", "POSIX :: Linux": "ubuntu"}
    assert [systems[one] for one in classified("Operating System :: ")] == ["macos", "ubuntu"]
    jobs = workflow()["jobs"].values()
    assert {job["runs-on"].partition("-")[0] for job in jobs} == set(systems.values())
    assert all("macOS" in (ROOT / page).read_text("utf-8") for page in ("README.md", "docs/install.md"))


def test_the_workflow_runs_for_proposals_and_may_only_read() -> None:
    assert set(workflow()[ON]) == {"push", "pull_request"}
    assert workflow()["permissions"] == {"contents": "read"}


def test_the_verbs_that_the_page_names_exist() -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    assert {"setup", "check", "test", "format", "snapshots"} <= named <= verbs


def test_the_pages_for_contributors_are_linked_and_short() -> None:
    for page, lines in (("CONTRIBUTING.md", 80), ("SECURITY.md", 50)):
        assert f"({page})" in (ROOT / "README.md").read_text("utf-8")
        assert f"(../{page})" in (ROOT / "docs/architecture.md").read_text("utf-8")
        assert len((ROOT / page).read_text("utf-8").splitlines()) < lines


def test_templates_have_a_name_and_ask_for_what_is_needed() -> None:
    for page in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.md"):
        head = yaml.safe_load(page.read_text("utf-8").split("---")[1])
        assert head["name"]
        assert head["about"]
    assert "nbrucio doctor" in (ROOT / ".github/ISSUE_TEMPLATE/bug.md").read_text("utf-8")
