"""What `check` and `init --from-code` say of DIDs in code."""

from __future__ import annotations

import json
from pathlib import Path

from nbrucio.core.scope_rule import ScopeRule
from nbrucio.notebook.declared import read_declared
from nbrucio.operations.check import check
from nbrucio.operations.proposing import MAX_NOTES, notes_on

NAME = "/A/Run2018A-v1/NANOAOD"


def notebook(folder: Path, *cells: str, declared: str = "a:known") -> Path:
    path = folder / "my nb.ipynb"
    value = {"version": 1, "requirements": [{"did": declared, "handle": "known"}]}
    code = [
        {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None} for cell in cells
    ]
    path.write_text(json.dumps({"cells": code, "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_a_check_proposes_what_is_not_declared_and_its_exit_code_stays(tmp_path: Path) -> None:
    path = notebook(tmp_path, "!rucio download a:known a:b", "!rucio get x:y\nfor (", f"open('{NAME}')")
    report = check([path], None)
    assert [finding.code for finding in report.findings] == ["lock-stale"]
    notes = report.notebooks[0].notes
    assert [(note.message, note.next_command) for note in notes] == [
        ("Code cell 1 names a:b (rucio download).", f"nbrucio add '{path}' a:b"),
        (f"Code cell 3 names SCOPE:{NAME} (a dataset of CMS).", f"nbrucio add '{path}' SCOPE:{NAME}"),
        ("Code cell 2, which begins with '!rucio get x:y', cannot be read: the data that it uses is unknown.", None),
    ]
    assert notes_on(read_declared(path), ScopeRule(scope="cms"))[1].did == f"cms:{NAME}"
    assert report.as_json()["notebooks"][0]["notes"][0]["did"] == "a:b"  # type: ignore[index]


def test_many_notes_are_counted(tmp_path: Path) -> None:
    path = notebook(tmp_path, *(f"!rucio download a:b{number}" for number in range(MAX_NOTES + 7)))
    notes = notes_on(read_declared(path))
    assert len(notes) == MAX_NOTES + 1
    assert "7 more notes" in notes[-1].message
