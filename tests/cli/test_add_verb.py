"""`nbrucio add` with what people type."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbrucio.config import load
from nbrucio.core.did import Did
from nbrucio.core.selection import Selection
from nbrucio.errors import BadDeclaration, DidNotFound
from nbrucio.operations.adding import Wish, add
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from tests.cli.conftest import Cli

Write = Callable[..., Path]


def declared(path: Path) -> Any:
    return json.loads(path.read_text())["metadata"]["nbrucio"]


@pytest.fixture
def family(sandbox: Sandbox) -> list[str]:
    """DIDs of three datasets that one pattern matches."""
    with sandbox.admin() as client:
        file = NewFile(Did("sandbox", "family/file"), b"file")
        add_files(client, [file], ["SANDBOX_POSIX"])
        return [str(add_dataset(client, "sandbox", f"family.{n}", [file.did], closed=True)) for n in range(3)]


def test_a_pattern_shows_what_rucio_has_and_adds_it_on_request(
    connected: Cli, notebook: Write, family: list[str]
) -> None:
    path = notebook({"did": family[1], "handle": "mine"})
    before = path.read_bytes()
    shown = connected("add", path, "sandbox:family.*")
    assert (shown.exit_code, path.read_bytes()) == (2, before)
    assert [line.split()[1] for line in shown.out.splitlines()] == family
    assert "declared already, as 'mine'" in shown.out.splitlines()[1]
    assert "'sandbox:family.*' matches 2 DIDs; nothing was added." in shown.err
    assert connected("add", path, "sandbox:family.*", "--all").exit_code == 0
    assert [one["did"] for one in declared(path)["requirements"]] == [family[1], family[0], family[2]]
    again = connected("add", path, "sandbox:family.*", "--all")
    assert (again.exit_code, again.out.splitlines()[-1]) == (0, f"{path} declares all of it already.")
    assert connected("add", path, "sandbox:family.x*").exit_code == 4


def test_a_selection_and_an_access_are_declared(connected: Cli, notebook: Write) -> None:
    path = notebook()
    words = ("--match", "*.root", "--first", 3, "--max-bytes", "5 MB", "--access", "any", "--as", "muons")
    assert connected("add", path, "rucio://sandbox:dimuon", *words).exit_code == 0
    (one,) = declared(path)["requirements"]
    assert one["select"] == {"match": "*.root", "first": 3, "max_bytes": 5_000_000}
    assert (one["access"], one["did"]) == ("any", "sandbox:dimuon")
    assert connected("add", path, "sandbox:mounted", "--max-bytes", "much").exit_code == 2


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Any:
    return load({**sandbox.env(), "HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "store")})


def test_a_variant_gets_the_selection_of_data_that_is_declared(config: Any, notebook: Write) -> None:
    path = notebook()
    first = Selection(first=1)
    add(path, [Did("sandbox", "dimuon")], config, wish=Wish("muons"))
    edit = add(path, [Did("sandbox", "dimuon")], config, wish=Wish(select=first, variant="dev"))
    assert (edit.requirements, edit.changed) == ((), True)
    assert declared(path)["variants"] == {"dev": {"muons": {"first": 1}}}
    add(path, [Did("sandbox", "mounted")], config, wish=Wish("more", select=first, variant="dev"))
    assert declared(path)["variants"] == {"dev": {"muons": {"first": 1}, "more": {"first": 1}}}
    assert "select" not in declared(path)["requirements"][1]
    with pytest.raises(BadDeclaration, match="A variant selects files"):
        add(path, [Did("sandbox", "growing")], config, wish=Wish(variant="dev"))


def test_a_variant_is_for_the_declared_selection_of_its_did(config: Any, notebook: Write) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "muons", "select": {"first": 2}})
    for handle, first in ((None, 1), ("muons", 3)):
        add(path, [Did("sandbox", "dimuon")], config, wish=Wish(handle, select=Selection(first=first), variant="dev"))
        assert declared(path)["variants"] == {"dev": {"muons": {"first": first}}}
    assert [one["select"] for one in declared(path)["requirements"]] == [{"first": 2}]


@pytest.mark.parametrize(
    ("written", "meant"), [("sandbox:dimoun", "sandbox:dimuon"), ("sanbox:dimuon", "sandbox:dimuon")]
)
def test_a_misspelt_did_gets_suggestions(written: str, meant: str, config: Any, notebook: Write) -> None:
    path = notebook()
    with pytest.raises(DidNotFound) as missing:
        add(path, [Did.parse(written)], config)
    assert f"Did you mean {meant}" in (missing.value.hint or "")
    assert declared(path)["requirements"] == []
