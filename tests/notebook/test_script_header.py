"""Our key in the block ``# /// script`` of marimo's notebooks and other scripts, and nothing else touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrucio.errors import BadNotebook
from nbrucio.kernel import program
from nbrucio.notebook.ipynb import load, parse, with_value
from nbrucio.notebook.script_header import ScriptHeader
from nbrucio.notebook.text import declares_in_text

VALUE: dict[str, Any] = {
    "version": 1,
    "requirements": [{"did": "sandbox:dimuon", "handle": "muons", "select": {"first": 2}}],
    "lock": {"muons": {"open": False, "sha256": {"sandbox:a b.root": "00"}}},
}
MARIMO = "import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    return\n"
BLOCK = """#!/usr/bin/env python
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "marimo", # a comment
# ]
#
# [tool.uv]
# exclude-newer = 2026-01-01T00:00:00Z
# ///

"""
WRITTEN = """# [tool.nbrucio]
# version = 1
# requirements = [
#   {did = "sandbox:dimuon", handle = "muons", select = {first = 2}},
# ]
#
# [tool.nbrucio.lock]
# muons = {open = false, sha256 = {"sandbox:a b.root" = "00"}}
"""
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def set_in(text: str, value: Any, name: str = "nb.py") -> str:
    return with_value(parse(text.encode(), Path(name)), value).decode()


def value_in(text: str) -> Any:
    return parse(text.encode(), Path("nb.py")).value()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("text", [MARIMO, BLOCK + MARIMO, BLOCK + "print()\n"], ids=["marimo", "with block", "script"])
def test_a_declaration_is_added_and_removed_and_no_other_line_changes(text: str, newline: str) -> None:
    before = text.replace("\n", newline)
    after = set_in(before, VALUE)
    assert WRITTEN.replace("\n", newline) in after
    assert value_in(after) == VALUE
    assert set_in(after, VALUE) == after
    rest = after.replace(WRITTEN.replace("\n", newline), "")
    assert [line for line in before.splitlines(keepends=True) if line not in rest] == []
    assert value_in(set_in(after, None)) is None
    again = set_in(after, {**VALUE, "lock": {}})
    assert value_in(again) == {**VALUE, "lock": {}}
    if text.startswith("#!"):
        assert set_in(after, None) == before


def test_tables_after_ours_stay(tmp_path: Path) -> None:
    ours = "# [tool.nbrucio]\n# version = 1\n# [[tool.nbrucio.requirements]]\n# did = 'a:b'\n# handle = 'b'\n#\n"
    text = f"# /// script\n{ours}# [tool.uv]\n# offline = true\n#\n# [tool.nbrucio.variants]\n# ///\n"
    assert value_in(text) == {"version": 1, "requirements": [{"did": "a:b", "handle": "b"}], "variants": {}}
    changed = set_in(text, {"version": 1, "requirements": []})
    assert changed == (
        "# /// script\n# [tool.nbrucio]\n# version = 1\n# requirements = []\n#\n"
        "# [tool.uv]\n# offline = true\n#\n# ///\n"
    )
    (tmp_path / "nb.py").write_text(text)
    assert declares_in_text(tmp_path / "nb.py")
    assert program._declares(tmp_path / "nb.py")
    assert load(tmp_path / "nb.py").value() == value_in(text)


@settings(deadline=None)
@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_what_is_written_is_read_again(value: dict[str, Any]) -> None:
    assert value_in(set_in(BLOCK + MARIMO, value)) == value


def test_nulls_are_left_out() -> None:
    assert value_in(set_in(BLOCK, {"lock": {"a": {"bytes": None, "files": 1}}})) == {"lock": {"a": {"files": 1}}}


def test_a_date_is_read_as_text() -> None:
    assert value_in("# /// script\n# [tool.nbrucio]\n# x = 2026-01-01\n# ///\n") == {"x": "2026-01-01"}


@pytest.mark.parametrize(
    "toml", ["tool = {nbrucio = {version = 1}}", "[tool]\n# nbrucio.version = 1", "[tool]\n# nbrucio = {version = 1}"]
)
def test_other_forms_are_read_and_not_rewritten(toml: str) -> None:
    text = f"# /// script\n# {toml}\n# ///\n"
    assert value_in(text) == {"version": 1}
    with pytest.raises(BadNotebook, match="in a form that is not rewritten"):
        set_in(text, VALUE)


def test_a_block_that_is_not_toml_is_an_error() -> None:
    with pytest.raises(BadNotebook, match="is not valid TOML: Invalid value"):
        value_in("# /// script\n# [tool.nbrucio]\n# version =\n# ///\n")


@pytest.mark.parametrize(
    "text", ["# /// script\n# [tool.nbrucio]\n", "# /// other\n# [tool.nbrucio]\n# ///\n", "#///\n"]
)
def test_other_comments_are_no_block(text: str) -> None:
    assert ScriptHeader.find(text, Path("nb.py")) is None
    assert ScriptHeader.find(text.replace("other", "script"), Path("nb.R")) is None


def test_a_header_of_jupytext_stays_the_place() -> None:
    text = "# ---\n# jupyter:\n#   kernelspec: {name: python3}\n# ---\n\n# /// script\n# dependencies = []\n# ///\n"
    after = set_in(text, VALUE)
    assert after.index("nbrucio") < after.index("# /// script")
    assert value_in(after) == VALUE
