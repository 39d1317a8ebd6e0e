"""Selections: same input, same subset, on every machine."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, unique_files
from nbrucio.core.selection import Selection
from nbrucio.errors import BadDeclaration


def entry(name: str, size_bytes: int | None = 10) -> FileEntry:
    return FileEntry(Did("sandbox", name), size_bytes, "00000001")


FILES = unique_files([entry("b.root"), entry("a.root"), entry("dir/c.root"), entry("notes.txt", None)])


def chosen(select: dict[str, Any]) -> list[str]:
    return [file.did.name for file in Selection.parse(select).apply(FILES)]


def test_conditions_narrow_in_order() -> None:
    assert chosen({"match": "*.root"}) == ["a.root", "b.root", "dir/c.root"]
    assert chosen({"match": "*.root", "first": 2}) == ["a.root", "b.root"]
    assert chosen({"match": "*.root", "max_bytes": 29}) == ["a.root", "b.root"]
    assert chosen({"first": 100}) == ["a.root", "b.root", "dir/c.root", "notes.txt"]
    assert chosen({"max_bytes": 5}) == []


@given(st.permutations(FILES))
def test_the_order_of_the_catalogue_does_not_matter(files: list[FileEntry]) -> None:
    assert Selection(first=2).apply(unique_files(files)) == Selection(first=2).apply(FILES)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([], "must be an object"),
        ({"last": 2}, "unknown key 'last'"),
        ({"first": 0}, "whole number"),
        ({"first": True}, "whole number"),
        ({"first": "2"}, "whole number"),
        ({"max_bytes": -1}, "whole number"),
        ({"match": 3}, "glob"),
        ({"match": ""}, "glob"),
    ],
)
def test_a_bad_selection_says_what_is_wrong(value: object, why: str) -> None:
    with pytest.raises(BadDeclaration, match=why):
        Selection.parse(value)


def test_a_hostile_glob_costs_no_more_than_an_honest_one() -> None:
    def cost(pattern: str) -> float:
        began = time.perf_counter()
        Selection(match=pattern).apply([entry("a" * 200 + "c")])
        return time.perf_counter() - began

    cost("warm*up")
    honest = max(cost("a*b"), 1e-4)
    # A backtracking matcher would need longer than the age of the universe here.
    assert cost("*a" * 100 + "b") < honest * 10_000
