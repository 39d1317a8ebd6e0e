"""What notebooks and declarations that are wrong get: words, the next step, an exit code, and no change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        ("{", "line 1"),
        ("[]", "not a notebook"),
        ('{"cells": [], "metadata": {"nbrucio": []}, "nbformat": 4, "nbformat_minor": 5}', "it must be an object"),
        ('{"cells": [], "metadata": {"nbrucio": {"version": 9}}, "nbformat": 4, "nbformat_minor": 5}', "version 9"),
    ],
)
def test_a_notebook_that_cannot_be_read(connected: Cli, content: str | None, why: str) -> None:
    path = connected.folder / "nb.ipynb"
    if content is not None:
        path.write_text(content)
    result = connected("sync", path)
    assert (result.exit_code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert why in result.err
    assert content is None or path.read_text() == content


@pytest.mark.parametrize("verb", ["status", "plan", "lock", "paths", "run"])
def test_every_verb_tells_that_a_notebook_cannot_be_read(connected: Cli, verb: str) -> None:
    path = connected.folder / "nb.ipynb"
    path.write_text("{")
    result = connected(verb, path)
    assert (result.exit_code, result.out, path.read_text()) == (2, "", "{")
    assert result.err.startswith("error: ")


@pytest.mark.parametrize("verb", ["sync", "status"])
def test_a_requirement_that_cannot_be_understood_counts(connected: Cli, notebook: Write, verb: str) -> None:
    good = [{"did": f"sandbox:{name}", "handle": name} for name in ("dimuon", "muons", "growing")]
    assert connected("sync", notebook(*good)).exit_code == 0
    result = connected(verb, notebook(*good, {"did": "nonsense", "handle": "bad"}))
    assert (result.exit_code, result.out.splitlines()[-1]) == (2, "3 of 4 ready")


@pytest.mark.parametrize("verb", ["sync", "status", "paths"])
def test_the_error_that_needs_a_person_most_decides_the_exit_code(connected: Cli, notebook: Write, verb: str) -> None:
    path = notebook({"did": "sandbox:never-resolved", "handle": "far"}, {"did": "nonsense", "handle": "bad"})
    options = ("--offline",) if verb == "sync" else ()
    assert connected(verb, *options, path).exit_code == 2  # and not 8, which is only a higher number


@pytest.mark.parametrize("verb", ["sync", "status", "plan"])
def test_a_report_is_of_the_notebooks_that_were_read(connected: Cli, notebook: Write, verb: str) -> None:
    notebook({"did": "sandbox:growing", "handle": "good"}, name="good.ipynb")
    result = connected(verb, "nope.ipynb", "good.ipynb")
    assert (result.exit_code, result.out.splitlines()[0]) == (2, "good.ipynb")
    assert "nope.ipynb" not in result.out
    assert "error: 'nope.ipynb' does not exist.\n" in result.err


def test_one_bad_requirement_does_not_stop_the_others(connected: Cli, notebook: Write) -> None:
    path = notebook({"did": "nocolon", "handle": "a"}, {"did": "sandbox:growing", "handle": "good"}, "text")
    result = connected("sync", path)
    assert result.exit_code == 2
    assert "1 of 3 ready" in result.out
    assert "Requirement 1 of the notebook is invalid: 'nocolon' is not a DID" in result.err
    assert "Requirement 3 of the notebook is invalid: it must be an object" in result.err


@pytest.mark.parametrize(
    "did", ["nocolon", ":", "a:", "../x:y", "sandbox:a\nb", "sandbox:" + "x" * 501, "a b:c", "\x1b[31mred:x"]
)
def test_a_text_that_is_no_did(connected: Cli, did: str) -> None:
    connected("init", "nb.ipynb")
    before = (connected.folder / "nb.ipynb").read_bytes()
    result = connected("add", "nb.ipynb", did)
    assert (result.exit_code, result.out) == (2, "")
    assert "is not a DID" in result.err
    assert "hint: Write scope:name." in result.err
    assert "\x1b" not in result.err
    assert (connected.folder / "nb.ipynb").read_bytes() == before


def test_a_handle_that_is_taken_or_no_name(connected: Cli) -> None:
    connected("init", "nb.ipynb")
    assert connected("add", "nb.ipynb", "sandbox:dimuon", "--as", "not a name").exit_code == 2
    assert connected("add", "nb.ipynb", "sandbox:dimuon", "--as", "x").exit_code == 0
    taken = connected("add", "nb.ipynb", "sandbox:growing", "--as", "x")
    assert (taken.exit_code, taken.err.splitlines()[0]) == (
        2,
        "error: The handle 'x' is already used for sandbox:dimuon.",
    )


def test_removing_what_is_not_declared_removes_nothing(connected: Cli) -> None:
    connected("init", "nb.ipynb")
    connected("add", "nb.ipynb", "sandbox:dimuon")
    result = connected("remove", "nb.ipynb", "dimuon", "other")
    assert (result.exit_code, result.err) == (
        2,
        "error: 'other' is not declared in nb.ipynb.\n\nhint: Declared: dimuon.\n",
    )
    assert "sandbox:dimuon" in (connected.folder / "nb.ipynb").read_text()


@pytest.mark.parametrize("words", [("lock", "--upgrade"), ("stage",), ("paths",)], ids=lambda words: words[0])
def test_a_handle_that_is_not_declared(connected: Cli, notebook: Write, words: tuple[str, ...]) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "x"})
    result = connected(words[0], path, *words[1:], "other")
    assert result.exit_code == 2
    assert result.err.endswith(f"error: 'other' is not declared in {path}.\n\nhint: Declared: x.\n")


@pytest.mark.parametrize("words", [("init",), ("add", "sandbox:dimuon"), ("lock",), ("remove", "x")])
def test_edits_keep_unknown_keys_and_warn_of_each(connected: Cli, notebook: Write, words: tuple[str, ...]) -> None:
    other = {"did": "sandbox:growing", "handle": "y", "acess": "mount", "select": {"frist": 1}}
    path = notebook({"did": "sandbox:growing", "handle": "x", "select": {"first": 1}}, other)
    verb, *names = words
    result = connected(verb, path, *names)
    assert result.exit_code == 0, result.err
    place = f"nbrucio.requirements[{0 if verb == 'remove' else 1}]"  # where it is in the notebook after the edit
    told = "is not a known key. Did you mean"
    assert f"warning: In the notebook's metadata, {place}.acess {told} 'access'?\n" in result.err
    assert f"warning: In the notebook's metadata, {place}.select.frist {told} 'first'?\n" in result.err
    assert result.err.count("warning") == 2
    kept = json.loads(path.read_text())["metadata"]["nbrucio"]["requirements"]
    assert any(other.items() <= requirement.items() for requirement in kept)


@pytest.mark.real
def test_init_says_whether_nbformat_takes_a_notebook(cli: Cli) -> None:
    path = cli.folder / "nb.ipynb"
    path.write_text('{"cells": [{"cell_type": "raw"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}')
    result = cli("init", path)
    assert (result.exit_code, result.out.splitlines()[0]) == (0, f"{path} is ready to declare data.")
    assert f"warning: '{path}' is not a valid notebook of format 4.4: cells[0] lacks the key 'metadata'" in result.err
    assert cli("check", "--offline", path).exit_code == 2
    assert cli("init", "new.ipynb").err == ""
    assert cli("check", "--offline", "new.ipynb").exit_code == 0


@pytest.mark.parametrize("words", [("init",), ("add", "sandbox:dimuon", "--offline"), ("lock",), ("remove", "x")])
def test_unknown_keys_are_in_the_json_of_edits(connected: Cli, notebook: Write, words: tuple[str, ...]) -> None:
    other = {"did": "sandbox:growing", "handle": "y", "acess": "mount"}
    path = notebook({"did": "sandbox:growing", "handle": "x", "select": {"first": 1}}, other)
    verb, *rest = words
    (warning,) = connected(verb, path, *rest, "--json").facts["warnings"]
    assert (warning["code"], warning["hint"]) == ("bad-declaration", "Did you mean 'access'?")


@pytest.mark.real
@pytest.mark.parametrize("content", ["", " \n\ufeff"])
def test_an_empty_file_becomes_a_notebook_by_the_command_of_its_error(cli: Cli, content: str) -> None:
    path = cli.folder / "new.ipynb"
    path.write_text(content)
    refused = cli("check", "--offline", "new.ipynb")
    assert (refused.exit_code, "next: nbrucio init new.ipynb\n" in refused.out) == (2, True)
    made = cli("init", "new.ipynb")
    assert (made.exit_code, made.out.splitlines()[0]) == (0, "Created new.ipynb")
    assert cli("check", "--offline", "new.ipynb").exit_code == 0
    assert cli("init", "new.ipynb").out.splitlines()[0] == "new.ipynb is ready to declare data."


def test_a_file_that_is_no_notebook_is_called_that(cli: Cli) -> None:
    (cli.folder / "list.txt").write_text("sandbox:dimuon\n")
    refused = cli("add", "list.txt", "sandbox:dimuon", "--offline")
    assert refused.exit_code == 2
    assert "'list.txt' is not a notebook: it is not JSON, and its name does not end in .ipynb." in refused.err


def test_the_next_command_for_a_name_that_begins_with_a_dash(connected: Cli) -> None:
    assert connected("init", "./-dash.ipynb").exit_code == 0
    added = connected("add", "./-dash.ipynb", "sandbox:growing", "--as", "x")
    for done in (added, connected("status", "./-dash.ipynb")):
        assert "next: nbrucio sync ./-dash.ipynb\n" in done.out
    assert connected("sync", "./-dash.ipynb").exit_code == 0
    path = connected.folder / "-dash.ipynb"
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": []}
    cell["source"] = "import nbrucio\nnbrucio.data['y']"
    path.write_text(path.read_text().replace('"cells": []', '"cells": [' + json.dumps(cell) + "]"))
    assert "next: nbrucio add ./-dash.ipynb SCOPE:NAME --as y" in connected("check", "--offline", "./-dash.ipynb").out
