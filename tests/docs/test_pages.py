"""A reader types the pages that work on the data of the sandbox, and sees what they show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import nbrucio_schemas
import pytest

from nbrucio.sandbox import Sandbox
from tests.docs.typed import DOCS, Typed, check_page

DECLARATION = nbrucio_schemas.load("declaration-1")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of their own: searches would also find what other tests added to a shared one."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"), tied=True)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.stop()


@pytest.fixture
def typed(seeded: Sandbox, tmp_path: Path) -> Typed:
    """A shell of a reader with an empty cache."""
    return Typed(tmp_path, {**seeded.env(), "NBRUCIO_STORE": str(tmp_path / "store")})


@pytest.mark.parametrize(
    "page",
    [
        "find-data.md",
        pytest.param("some-files.md", marks=pytest.mark.world),
        "share.md",
        pytest.param("frameworks.md", marks=pytest.mark.world),
        "doctor.md",
    ],
)
def test_a_page_prints_what_it_shows(typed: Typed, page: str) -> None:
    check_page(typed, page)


def test_the_page_of_the_metadata_shows_all_that_the_commands_write(typed: Typed) -> None:
    check_page(typed, "metadata.md")
    (shown,) = re.findall(r"```json\n(.*?)```", (DOCS / "metadata.md").read_text("utf-8"), re.DOTALL)
    real = json.loads((typed.folder / "analysis.ipynb").read_text("utf-8"))["metadata"]["nbrucio"]
    jsonschema.validate(json.loads(shown), DECLARATION)

    def steady(value: object) -> str:
        text = json.dumps(value, sort_keys=True)
        return re.sub(r"\b([0-9a-f]{64}|[0-9a-f]{8}(?=\"))|\d{4}-\d\d-\d\dT[\d:]+Z", "…", text.replace("\\t", " "))

    assert steady(json.loads(shown)) == steady(real)


@pytest.mark.parametrize(
    ("heading", "part"),
    [
        ("The declaration", DECLARATION),
        ("A requirement", DECLARATION["$defs"]["requirement"]),
        ("A lock", DECLARATION["$defs"]["lock"]),
        ("What was read", DECLARATION["$defs"]["record"]),
    ],
)
def test_the_page_of_the_metadata_names_every_key(heading: str, part: Any) -> None:
    text = (DOCS / "metadata.md").read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    firsts = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    assert {key for first in firsts for key in re.findall(r"`(\w+)`", first)} == set(part["properties"])
