"""Our key in a notebook: where and how it is written, and that not a byte outside it changes."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nbrucio.errors import BadNotebook
from nbrucio.notebook.ipynb import parse, with_value
from tests.support.notebook_texts import (
    MINIMAL,
    PATH,
    VALUE,
    around,
    as_jupyter_writes,
    edited,
    read_json,
    same,
    with_key,
)
from tests.support.strategies import (
    Document,
    Tidy,
    Verbatim,
    Wild,
    key_values,
    notebooks,
    spellings,
    tidy_styles,
)

# Two busy cores are no reason to fail an example for being slow.
unhurried = settings(deadline=None, max_examples=100)

# --- not a byte outside our key ---------------------------------------------------------------------------------------


@unhurried
@given(notebooks(), spellings(), key_values())
def test_a_new_key_leaves_every_byte_before_and_after_it(
    document: Document, style: Tidy | Wild, value: Document
) -> None:
    raw = style.spell(document)
    new = with_value(parse(raw, PATH), value)
    same_bytes = [one == other for one, other in zip(raw, new, strict=False)]
    before = [*same_bytes, False].index(False)
    assert new.endswith(raw[before:])  # the new text is one piece, put somewhere into the old
    assert same(read_json(new), with_key(document, value))


@unhurried
@given(notebooks(), spellings(), key_values())
def test_a_changed_value_leaves_every_byte_around_it(document: Document, style: Tidy | Wild, value: Document) -> None:
    raw = style.spell(with_key(document, Verbatim("@old value@")))
    before, after = raw.split(b'"@old value@"')
    new = with_value(parse(raw, PATH), value)
    assert new.startswith(before)
    assert new.endswith(after)
    assert same(json.loads(new[len(before) : len(new) - len(after)]), value)


@unhurried
@given(notebooks(), spellings(), key_values(), key_values())
def test_removing_the_key_gives_back_the_bytes_from_before(
    document: Document, style: Tidy | Wild, value: Document, other: Document
) -> None:
    raw = style.spell(document)
    once = with_value(parse(raw, PATH), value)
    assert with_value(parse(once, PATH), None) == raw
    twice = with_value(parse(once, PATH), other)
    assert with_value(parse(twice, PATH), None) == raw


@unhurried
@given(notebooks(), spellings(), key_values())
def test_a_removed_key_takes_nothing_else_with_it(document: Document, style: Tidy | Wild, value: Document) -> None:
    raw = style.spell(with_key(document, value))
    assert same(read_json(with_value(parse(raw, PATH), None)), document)


@unhurried
@given(notebooks(), spellings(), key_values())
def test_the_value_that_is_there_already_changes_nothing(
    document: Document, style: Tidy | Wild, value: Document
) -> None:
    raw = style.spell(with_key(document, value))
    again = json.loads(json.dumps(value, sort_keys=True))
    assert with_value(parse(raw, PATH), again) == raw
    without = style.spell(document)
    assert with_value(parse(without, PATH), None) == without


@unhurried
@given(notebooks(), spellings(), key_values())
def test_a_valid_notebook_stays_valid(document: Document, style: Tidy | Wild, value: Document) -> None:
    nbformat.validate(document)
    nbformat.validate(read_json(with_value(parse(style.spell(document), PATH), value)))


@unhurried
@given(notebooks(), key_values())
def test_jupyters_next_save_moves_nothing(document: Document, value: Document) -> None:
    raw = as_jupyter_writes(document)
    new = with_value(parse(raw, PATH), value)
    assert new == as_jupyter_writes(with_key(json.loads(raw), value))
    assert with_value(parse(new, PATH), None) == raw


@unhurried
@given(notebooks(), tidy_styles(), key_values(), key_values(), st.booleans())
def test_the_key_is_written_as_the_rest_of_the_document(
    document: Document, style: Tidy, value: Document, older: Document, sort_keys: bool
) -> None:
    assume(sort_keys or list(document) != sorted(document))
    assume(not same(older, value))
    if style.ensure_ascii:
        document["metadata"]["title"] = "à"  # an escape, by which the style can be seen
    raw = style.spell(document, sort_keys)
    expected = style.spell(with_key(document, value), sort_keys)
    assert with_value(parse(raw, PATH), value) == expected
    assert with_value(parse(with_value(parse(raw, PATH), older), PATH), value) == expected


@unhurried
@given(notebooks(), st.integers(0, 2**32), st.data())
def test_a_damaged_notebook_is_read_as_json_reads_it_or_refused(
    document: Document, seed: int, data: st.DataObject
) -> None:
    raw = Wild(seed).spell(with_key(document, VALUE))
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.binary(max_size=2)) + raw[at + data.draw(st.integers(0, 3)) :]
    try:
        notebook = parse(damaged, PATH)
    except BadNotebook:
        return
    assert same(dict(notebook.metadata), read_json(damaged)["metadata"])
    assert same(read_json(with_value(notebook, {"new": 1}))["metadata"]["nbrucio"], {"new": 1})


@unhurried
@given(st.binary(max_size=80) | st.text(' {}[]",:\\10eE.-ntN', max_size=60).map(str.encode))
@example(b"\xff\xfe{\x00}\x00")
@example(b'{"nbformat":4,"metadata":{"nbrucio":')
def test_any_other_bytes_are_a_bad_notebook(raw: bytes) -> None:
    with pytest.raises(BadNotebook):
        parse(raw, PATH)


# --- where the key goes, by example -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{"nbrucio": 1}'),
        ("{ }", '{ "nbrucio": 1}'),
        ('{"a": 1, "z": 2}', '{"a": 1, "nbrucio": 1, "z": 2}'),
        ('{"z": 2}', '{"nbrucio": 1, "z": 2}'),
        ('{"z": 2, "a": 1}', '{"z": 2, "a": 1, "nbrucio": 1}'),
        ('{"a":1 , "z":2}', '{"a":1 , "nbrucio":1 , "z":2}'),
        ('{"\\u006ebrucio": 0}', '{"\\u006ebrucio": 1}'),
        ('{"a": "\\"nbrucio\\": {"}', '{"a": "\\"nbrucio\\": {", "nbrucio": 1}'),
        ('{\n  "a": 1\n }', '{\n  "a": 1,\n  "nbrucio": 1\n }'),
    ],
)
def test_where_and_how_a_key_is_inserted(before: str, after: str) -> None:
    assert edited(around(before)) == around(after)
    assert "brucio" in before or edited(around(after), None) == around(before)


def test_metadata_before_cells_and_unsorted_gets_the_key_at_its_end() -> None:
    text = '{\n  "nbformat": 4,\n  "metadata": {\n    "z": 1\n  },\n  "cells": []\n}'
    assert edited(text, {"b": 1, "a": 2}) == (
        '{\n  "nbformat": 4,\n  "metadata": {\n    "z": 1,\n    "nbrucio": {\n      "b": 1,\n      "a": 2\n    }\n  },'
        '\n  "cells": []\n}'
    )


def test_empty_metadata_takes_the_style_of_the_document() -> None:
    lines = ["{", '\t"metadata": {},', '\t"nbformat": 4,', '\t"cells": []', "}"]
    inserted = ['\t"metadata": {', '\t\t"nbrucio": {', '\t\t\t"a": 1', "\t\t}", "\t},"]
    assert edited("\r\n".join(lines), {"a": 1}) == "\r\n".join(lines[:1] + inserted + lines[2:])


def test_an_absurd_indentation_is_not_repeated() -> None:
    wide = "\n" + " " * 100_000
    text = around("{" + wide + '"a": 1' + wide + "}", cells="[]")
    assert len(edited(text, {"list": list(range(1000))})) < len(text) + 20_000
    assert edited(edited(text), None) == text


@pytest.mark.parametrize(
    ("beside", "written"),
    [
        ('"é"', '"ü"'),
        ('"e"', '"ü"'),
        ('"\\u00e9"', '"\\u00fc"'),
        ('"\\u001b"', '"ü"'),  # a control character is an escape in every style
        ('"\\\\u00e9"', '"ü"'),  # a backslash and four letters, no escape
        ('"\\\\\\u00e9"', '"\\u00fc"'),
    ],
)
def test_letters_are_escaped_only_where_the_document_escapes_its_own(beside: str, written: str) -> None:
    before, after = around('{"a": ' + beside + "}"), around('{"a": ' + beside + ', "nbrucio": ' + written + "}")
    assert edited(before, "ü") == after
    assert edited("\ufeff" + before, "ü") == "\ufeff" + after  # the mark at the start is no letter


def test_half_a_surrogate_pair_is_written_as_an_escape() -> None:
    text = edited(around("{}"), "é\ud83d")
    assert text == around('{"nbrucio": "é\\ud83d"}')


@pytest.mark.parametrize(("old", "new"), [("1", True), ("1", 1.0), ("0.0", -0.0), ("[1]", [True]), ("null", [])])
def test_values_that_only_python_calls_equal_are_different(old: str, new: object) -> None:
    assert json.dumps(json.loads(edited(around('{"nbrucio": ' + old + "}"), new))["metadata"]["nbrucio"]) == json.dumps(
        new
    )


def test_a_value_changed_in_place_is_still_seen_as_changed() -> None:
    notebook = parse(around('{"nbrucio": {"a": [1]}}').encode(), PATH)
    value = notebook.value()
    assert isinstance(value, dict)
    value["a"].append(2)
    assert read_json(with_value(notebook, value))["metadata"]["nbrucio"] == {"a": [1, 2]}


def test_numbers_beyond_python_keep_their_text() -> None:
    huge = "9" * 5000
    text = around(f'{{"n": {huge}, "x": 1e999}}', cells=f"[{huge}, 1.0E+2, 1e999]")
    assert edited(edited(text), None) == text
    assert parse(text.encode(), PATH).metadata["n"] == float("inf")


def test_a_value_nested_too_deeply_is_refused() -> None:
    value: dict[str, Any] = {}
    # How deep is too deep differs between versions of Python; this is too deep for all.
    for _ in range(100_000):
        value = {"a": value}
    with pytest.raises(BadNotebook, match="nested too deeply"):
        with_value(parse(MINIMAL.encode(), PATH), value)


def test_a_number_that_json_cannot_write_is_refused() -> None:
    notebook = parse(around('{"nbrucio": {"x": 1e999}}').encode(), PATH)
    value = notebook.value()
    assert isinstance(value, dict)
    assert with_value(notebook, value) == notebook.raw
    with pytest.raises(BadNotebook, match="out of range"):
        with_value(notebook, {**value, "more": 1})
