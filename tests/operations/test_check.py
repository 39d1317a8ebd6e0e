"""What a check finds without a network, and the forms it is told in."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from nbrucio.notebook import lock_file
from nbrucio.operations.check import check
from nbrucio.operations.check_formats import github_lines, junit_xml

DIGEST = "sha256:" + 64 * "0"
LOCK = {"did": "s:a", "type": "FILE", "files": 1, "bytes": 3, "open": False, "digest": DIGEST, "locked": "2026"}
GOOD: dict[str, Any] = {"version": 1, "requirements": [{"did": "s:a", "handle": "a"}], "lock": {"a": LOCK}}


def notebook(folder: Path, value: object, *code: str, name: str = "nb.ipynb") -> Path:
    cells = [{"cell_type": "code", "metadata": {}, "source": c, "outputs": [], "execution_count": None} for c in code]
    content = {"cells": cells, "metadata": {"nbrucio": value}, "nbformat": 4, "nbformat_minor": 5}
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def found(path: Path) -> list[tuple[str, int]]:
    return [(finding.code, finding.exit_code) for finding in check([path], None).findings]


def test_a_declared_locked_and_used_requirement_is_fine(tmp_path: Path) -> None:
    code = ("import nbrucio", "nbrucio.data['a']; nbrucio.data('s:a')", "x = 'not:mine'")
    assert found(notebook(tmp_path, GOOD, *code)) == []


def test_a_notebook_without_data_is_fine(tmp_path: Path) -> None:
    assert found(notebook(tmp_path, None, "print(1)")) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lock": {}}, ("lock-stale", 10)),
        ({"lock": {"a": {**LOCK, "did": "s:b"}}}, ("lock-stale", 10)),
        ({"lock": {"a": {**LOCK, "digest": "none"}}}, ("lock-stale", 10)),
        ({"lock": {"a": {**LOCK, "pinned": ["s:a\t3\t-"]}}}, ("lock-stale", 10)),
        ({"requirements": [{"did": "s", "handle": "a"}]}, ("bad-declaration", 2)),
        ({"version": 99}, ("bad-declaration", 2)),
        ({"variants": {"dev": {"b": {"first": 1}}}}, ("bad-declaration", 2)),
        ({"variant": {"parameter": "size", "default": "none"}}, ("bad-declaration", 2)),
        ({"requirements": [{"did": "s:a", "handle": "a", "acess": "mount"}]}, ("bad-declaration", 2)),
        ({"requirements": [{"did": "s:a", "handle": "a", "select": {"frist": 1}}]}, ("bad-declaration", 2)),
        ({"requirement": []}, ("bad-declaration", 2)),
    ],
)
def test_each_fault_has_its_code(tmp_path: Path, change: dict[str, Any], expected: tuple[str, int]) -> None:
    assert found(notebook(tmp_path, {**GOOD, **change}, "import nbrucio\nnbrucio.data['a']")) == [expected]


@pytest.mark.parametrize("use", ["nbrucio.data['b']", "nbrucio.data('s:b')"])
def test_what_the_code_uses_must_be_declared(tmp_path: Path, use: str) -> None:
    path = notebook(tmp_path, GOOD, f"import nbrucio\n{use}")
    (finding,) = check([path], None).findings
    assert (finding.code, finding.exit_code) == ("undeclared", 3)
    assert finding.next_command is not None
    assert finding.next_command.startswith(f"nbrucio add {path} ")


def test_a_parameter_without_a_default_and_its_choices_are_fine(tmp_path: Path) -> None:
    did = {"parameter": "era", "choices": {"1": "s:b", "2": "s:c"}, "default": "1"}
    lock = {**LOCK, "did": "s:b"}
    value = {
        "requirements": [{"did": did, "handle": "a"}, {"did": {"parameter": "x"}, "handle": "b"}],
        "lock": {"a": lock},
    }
    code = "import nbrucio\nnbrucio.data('s:c'), nbrucio.data['a'], nbrucio.data['b']"
    assert found(notebook(tmp_path, value, code)) == []


def test_a_list_beside_the_notebook_that_cannot_be_read_is_found_without_a_network(tmp_path: Path) -> None:
    value = {**GOOD, "lock": {"a": {**LOCK, "files": 100}}}
    path = notebook(tmp_path, value)
    assert found(path) == []
    lock_file.path_for(path).write_text("<<<<<<< ours\n{}\n")
    assert found(path) == [("unreadable-file", 2)]
    assert found(notebook(tmp_path, GOOD)) == [], "its lock needs nothing of that file"


def test_a_notebook_that_nbformat_refuses_is_found_beside_everything_else(tmp_path: Path) -> None:
    path = notebook(tmp_path, {**GOOD, "lock": {}})
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "cells": [{"cell_type": "code", "metadata": {}, "source": "1"}]}))
    invalid, unlocked = check([path], None).findings
    assert (invalid.code, invalid.exit_code, unlocked.code) == ("bad-notebook", 2, "lock-stale")
    assert "of format 4.5: cells[0] lacks the key 'outputs'" in invalid.message


def test_a_damaged_lock_says_what_is_wrong_and_which_lock_to_make_anew(tmp_path: Path) -> None:
    damaged = {**LOCK, "files": "1"}
    value = {**GOOD, "lock": {"a": damaged, "a@dev": damaged, "gone": damaged}, "variants": {"dev": {"a": {}}}}
    path = notebook(tmp_path, value)
    errors = {finding.message: finding for finding in check([path], None).findings}
    assert [(error.code, error.next_command) for error in errors.values()] == [
        ("bad-declaration", None),
        ("lock-stale", f"nbrucio lock {path}"),
        ("lock-stale", f"nbrucio lock {path} --variant dev"),
    ]
    assert all("must be a whole number" in message for message in errors)


def test_a_bad_notebook_hides_no_other(tmp_path: Path) -> None:
    bad, stale = tmp_path / "bad.ipynb", notebook(tmp_path, {**GOOD, "lock": {}})
    bad.write_text("{")
    report = check([bad, stale], None)
    assert [finding.code for finding in report.findings] == ["bad-notebook", "lock-stale"]
    assert report.exit_code == 2


def test_annotations_are_escaped_as_github_wants(tmp_path: Path) -> None:
    path = notebook(tmp_path, {**GOOD, "lock": {}}, name="50%,a:b.ipynb")
    (line,) = github_lines(check([path], None))
    assert line.startswith(f"::error file={tmp_path}/50%25%2Ca%3Ab.ipynb,title=nbrucio%3A lock-stale::'a' (s:a) has no")
    assert "%0Anext: nbrucio lock" in line


def test_junit_has_a_test_for_each_notebook_and_survives_odd_names(tmp_path: Path) -> None:
    odd = notebook(tmp_path, {**GOOD, "lock": {}}, name="<odd>&\x01.ipynb")
    suite = ET.fromstring(junit_xml(check([notebook(tmp_path, GOOD), odd], None)))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    good, bad = suite
    assert len(good) == 0
    assert (bad[0].get("type"), bad.get("name")) == ("lock-stale", f"{tmp_path}/<odd>&?.ipynb")
