"""Notebooks as text: our key in their header, and nothing else touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest

from nbrucio.errors import BadNotebook
from nbrucio.notebook.base import KEY
from nbrucio.notebook.ipynb import create_empty, load, parse, save, with_value
from nbrucio.notebook.text import declares_in_text

VALUE: dict[str, Any] = {
    "version": 1,
    "requirements": [{"did": "sandbox:dimuon", "handle": "dimuon", "select": {"first": 2}}],
    "lock": {"dimuon": {"locked": "2026-11-23T10:00:00Z", "open": False}},
}
KINDS = ["nb.py", "nb.md", "nb.R", "nb.jl"]
MYST = """---
jupytext:
  text_representation: {format_name: myst, extension: .md}
kernelspec: {name: python3, display_name: Python 3}
# a comment
---

```{code-cell}
import nbrucio
```
"""
PERCENT = """#!/usr/bin/env python
# -*- coding: utf-8 -*-
# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#
#   kernelspec:
#     name: python3
#     display_name: Python 3
# title: kept
# ---

# %%
import nbrucio
"""


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def jupytexts_view(path: Path) -> Any:
    return jupytext.read(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_new_text_notebook_declares_and_jupytext_reads_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    save(create_empty(path), VALUE)
    assert load(path).value() == VALUE
    assert jupytexts_view(path).metadata[KEY] == VALUE


@pytest.mark.parametrize(("name", "text"), [("nb.md", MYST), ("nb.py", PERCENT)])
def test_every_line_outside_our_key_stays(tmp_path: Path, name: str, text: str) -> None:
    path = written(tmp_path / name, text)
    save(load(path), VALUE)
    lines = path.read_text().splitlines()
    assert [line for line in text.splitlines() if line not in lines] == []
    assert jupytexts_view(path).metadata[KEY] == VALUE
    save(load(path), {"version": 1, "requirements": []})
    assert load(path).value() == {"version": 1, "requirements": []}
    save(load(path), None)
    assert path.read_text() == text


@pytest.mark.parametrize(("name", "text"), [("nb.md", MYST), ("nb.py", PERCENT)])
def test_the_same_value_gives_the_same_bytes(tmp_path: Path, name: str, text: str) -> None:
    notebook = save(load(written(tmp_path / name, text)), VALUE)
    assert with_value(notebook, json.loads(json.dumps(VALUE))) == notebook.raw


@pytest.mark.parametrize("text", ["# %%\nx = 1\n", "x = 1", "", "#!/bin/python\n\n# %%\n"])
def test_a_script_without_a_header_gets_one(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "nb.py", text)
    assert load(path).value() is None
    save(load(path), VALUE)
    assert load(path).value() == VALUE
    assert path.read_text().endswith(text.removeprefix("#!/bin/python\n"))
    assert jupytexts_view(path).metadata[KEY] == VALUE


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    path = written(tmp_path / "nb.py", PERCENT.replace("\n", "\r\n"))
    save(load(path), VALUE)
    raw = path.read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    save(load(path), None)
    assert path.read_bytes() == PERCENT.replace("\n", "\r\n").encode()


BLOCK = "# /// script\n# dependencies = []\n#\n# [tool.nbrucio]\n# version = 1\n# ///\n"


@pytest.mark.parametrize(
    ("name", "text"), [("nb.py", "# %%\nimport os\n"), ("nb.py", PERCENT), ("nb.md", MYST), ("nb.md", "# A\n")]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_byte_order_mark_stays_first(tmp_path: Path, name: str, text: str, newline: str) -> None:
    raw = b"\xef\xbb\xbf" + text.replace("\n", newline).encode()
    (tmp_path / name).write_bytes(raw)
    cells = load(tmp_path / name).code_cells()
    notebook = save(load(tmp_path / name), VALUE)
    assert load(tmp_path / name).value() == VALUE
    assert notebook.code_cells() == cells
    assert notebook.raw.startswith(b"\xef\xbb\xbf")
    assert notebook.raw.count(b"\xef\xbb\xbf") == 1
    assert notebook.raw.count(b"\n") == notebook.raw.count(newline.encode())
    if name == "nb.py":
        compile(notebook.raw, name, "exec")


def test_a_block_after_a_byte_order_mark_is_found(tmp_path: Path) -> None:
    path = written(tmp_path / "nb.py", "\ufeff" + BLOCK)
    assert load(path).value() == {"version": 1}
    assert declares_in_text(path)
    save(load(path), VALUE)
    assert path.read_text().count("# /// script") == 1
    assert load(path).value() == VALUE


@pytest.mark.parametrize("fmt", ["py:percent", "py:light", "md", "md:myst", "Rmd"])
def test_jupytexts_round_trip_keeps_the_declaration(tmp_path: Path, fmt: str) -> None:
    suffix = fmt.partition(":")[0]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import nbrucio", id="a")])
    notebook.metadata.update(nbformat.from_dict({"kernelspec": {"name": "python3", "display_name": "Python 3"}}))
    notebook.metadata["jupytext"] = {"notebook_metadata_filter": "nbrucio"}
    notebook.metadata[KEY] = VALUE
    path = written(tmp_path / f"nb.{suffix}", jupytext.writes(notebook, fmt=fmt))
    assert load(path).value() == VALUE
    assert load(path).code_cells() == ("import nbrucio",)
    back = jupytext.writes(jupytext.read(path), fmt=fmt)
    assert parse(back.encode(), path).value() == VALUE


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("# jupyter:\n#   nbrucio: [\n", "is not valid YAML"),
        ("# jupyter:\n#   a: &x [1]\n#   b: *x\n", "reference"),
        ("# jupyter:\n#   nbrucio:\n#     requirements: []\n#     requirements: []\n", "'requirements' twice"),
        ("# jupyter:\n#   nbrucio: !!python/object:os.system {}\n", "is not valid YAML"),
    ],
)
def test_a_bad_header_is_told(tmp_path: Path, header: str, words: str) -> None:
    path = written(tmp_path / "nb.py", f"# ---\n{header}# ---\n")
    with pytest.raises(BadNotebook, match=words):
        load(path)


def test_a_header_that_cannot_be_edited_by_lines_is_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "nb.py", "# ---\n# jupyter: {kernelspec: {name: python3}}\n# ---\n")
    before = path.read_bytes()
    with pytest.raises(BadNotebook, match="metadata on one line"):
        save(load(path), VALUE)
    assert path.read_bytes() == before


QUARTO = '---\ntitle: "Q"\njupyter: python3\n---\n\n```{python}\nimport nbrucio\n```\n'


@pytest.mark.parametrize("name", ["nb.qmd", "nb.md"])
@pytest.mark.parametrize("text", [QUARTO, QUARTO.replace("python3\n---", "python3\n...")])
def test_a_header_of_quarto_gets_the_declaration_beside_its_kernel(tmp_path: Path, name: str, text: str) -> None:
    path = written(tmp_path / name, text)
    save(load(path), VALUE)
    assert load(path).value() == VALUE
    assert declares_in_text(path)
    assert path.read_text().startswith('---\ntitle: "Q"\njupyter: python3\nnbrucio:\n  version: 1\n')
    save(load(path), None)
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["# ---\n# A section\n# ---\nimport os\n", "# ---\nx = {1: 2}\n# ---\n"])
def test_a_banner_is_no_header(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "nb.py", text)
    save(load(path), VALUE)
    assert load(path).value() == VALUE
    assert path.read_text().endswith(f"# ---\n\n{text}")


def test_a_banner_with_a_colon_says_what_makes_it_a_header(tmp_path: Path) -> None:
    path = written(tmp_path / "nb.py", "# ---\n# title: kept\n# ---\n")
    with pytest.raises(BadNotebook, match="has no line 'jupyter:'") as caught:
        save(load(path), VALUE)
    assert caught.value.hint == "Add the line '# jupyter:' at its end."
    save(load(written(path, "# ---\n# title: kept\n# jupyter:\n# ---\n")), VALUE)
    assert load(path).value() == VALUE


@pytest.mark.parametrize("name", ["nb.py", "nb.R"])
def test_the_first_line_of_databricks_stays_first(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, "# Databricks notebook source\nx = 1\n\n# COMMAND ----------\n")
    save(load(path), VALUE)
    assert path.read_text().startswith("# Databricks notebook source\n# ---\n")
    assert load(path).value() == VALUE


def test_a_time_without_quotes_stays_text(tmp_path: Path) -> None:
    path = written(tmp_path / "nb.py", "# ---\n# jupyter:\n#   nbrucio:\n#     locked: 2026-11-23T10:00:00Z\n# ---\n")
    assert load(path).value() == {"locked": "2026-11-23T10:00:00Z"}
