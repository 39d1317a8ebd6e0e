"""Parts of the files of a run."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry
from nbrucio.core.part import Part
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement
from nbrucio.errors import UsageError

SIZES = st.lists(st.one_of(st.none(), st.integers(0, 10**12)), max_size=40)


def resolved(handle: str, *sizes: int | None, first: int = 0) -> ResolvedRequirement:
    entries = tuple(FileEntry(Did("s", f"{first + n:04}"), size) for n, size in enumerate(sizes))
    return ResolvedRequirement(Requirement(Did("s", handle), handle), "x", entries)


def names(part: Part, *groups: tuple[ResolvedRequirement, ...]) -> list[str]:
    return [entry.did.name for group in part.of(groups) for one in group for entry in one.files]


@given(SIZES, SIZES, st.integers(1, 9))
def test_parts_are_disjoint_and_have_every_file(one: list[int | None], other: list[int | None], count: int) -> None:
    groups = ((resolved("a", *one),), (resolved("b", *other, first=100),))
    parts = [names(Part(number, count), *groups) for number in range(1, count + 1)]
    found = [name for part in parts for name in part]
    assert sorted(found) == sorted(entry.did.name for group in groups for entry in group[0].files)
    assert parts == [names(Part(number, count), *groups) for number in range(1, count + 1)]


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=40), st.integers(1, 9))
def test_parts_differ_by_one_file_at_most(sizes: list[int], count: int) -> None:
    group = (resolved("a", *sizes),)
    totals = sorted(
        sum(entry.size_bytes or 0 for entry in Part(number, count).of([group])[0][0].files)
        for number in range(1, count + 1)
    )
    assert totals[-1] - totals[0] <= max(sizes)


def test_files_of_unknown_size_are_spread_by_number() -> None:
    group = (resolved("a", *[None] * 12),)
    assert [len(names(Part(number, 4), group)) for number in (1, 2, 3, 4)] == [3, 3, 3, 3]


def test_a_file_of_two_requirements_is_in_one_part() -> None:
    group = (resolved("a", 10, 20, 30), resolved("b", 10, 20, 30))
    for number in (1, 2):
        a, b = Part(number, 2).of([group])[0]
        assert a.files == b.files


def test_more_parts_than_files_leave_some_empty() -> None:
    assert sorted(len(names(Part(number, 5), (resolved("a", 1, 2),))) for number in range(1, 6)) == [0, 0, 0, 1, 1]


def test_files_stay_in_order() -> None:
    found = names(Part(1, 2), (resolved("a", *range(1, 20)),))
    assert all(a < b for a, b in pairwise(found))


@pytest.mark.parametrize(
    "text",
    [
        "0/0",
        "5/3",
        "a/b",
        "0/3",
        "1/0",
        "-1/3",
        "1",
        "1/",
        "/3",
        "1/2/3",
        "1.5/3",
        "²/3",
        " 1/3",
        "1/3\n",
        "",
        "1/99999999",
    ],
)
def test_what_is_not_a_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a part: write i/N with i from 1 to N"):
        Part.parse(text)


def test_a_part_is_read() -> None:
    assert Part.parse("2/10") == Part(2, 10)
