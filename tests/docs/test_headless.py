"""The examples in docs/headless.md, docs/ci.md and docs/dask.md work."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import nbrucio_schemas
import pytest
import yaml
from click.testing import CliRunner
from nbrucio_cli.app import root

from nbrucio.core.declaration import Declaration
from nbrucio.core.requirement import Requirement
from nbrucio.core.selection import Selection

DOCS = Path(__file__).parents[2] / "docs"
TEXT = "".join((DOCS / page).read_text(encoding="utf-8") for page in ("headless.md", "ci.md", "dask.md"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_requirements_are_declarations() -> None:
    lines = [line for block in blocks("json") for line in block.splitlines()]
    assert [Requirement.parse(json.loads(line)).handle for line in lines] == ["muons", "muons"]


def test_the_programs_compile() -> None:
    for block in blocks("python"):
        compile(block, "headless.md", "exec")


def steps() -> list[str]:
    hook, gitlab, github = (yaml.safe_load(block) for block in blocks("yaml"))
    assert [one["id"] for one in hook["repos"][0]["hooks"]] == ["nbrucio-check"]
    runs: list[Any] = [step.get("run", "") for step in github["jobs"]["notebooks"]["steps"]]
    return [word.strip() for line in [*gitlab["notebooks"]["script"], *runs] for word in line.split("&&")]


@pytest.mark.parametrize("step", [step for step in steps() if step.startswith("nbrucio ")])
def test_the_jobs_call_verbs_and_options_that_exist(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    done = CliRunner().invoke(root, step.split()[1:])
    # The folder holds no notebook: the words were understood.
    assert "There is no notebook in notebooks." in done.output


def test_the_declaration_of_the_guide_is_one() -> None:
    text = (DOCS / "guide.md").read_text(encoding="utf-8")
    whole, variants = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    value = json.loads(whole)
    declaration = Declaration.parse({**value, **json.loads(f"{{{variants}}}")})
    assert [requirement.handle for requirement in declaration.requirements] == ["dimuon", "muons"]
    assert declaration.in_variant("dev").requirements[1].select == Selection(first=1)
    jsonschema.validate(value, nbrucio_schemas.load("declaration-1"))
