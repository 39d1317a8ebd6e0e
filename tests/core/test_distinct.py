"""Events and reports are equal only to their own kind."""

from __future__ import annotations

from itertools import combinations
from typing import Any, get_args

import pytest

from nbrucio.core import events, report
from nbrucio.core.did import Did

KINDS: list[Any] = [
    *get_args(events.Event),
    report.FileReport,
    report.RequirementReport,
    report.NotebookReport,
    report.SyncReport,
]


def _made(kind: Any) -> Any:
    return kind(*(Did("s", "n") for _ in kind._fields))


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_equals_its_like(kind: Any) -> None:
    one, same = _made(kind), _made(kind)
    assert one == same
    assert not one != same  # noqa: SIM202 - it has a method of its own
    assert hash(one) == hash(same)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_is_no_plain_tuple(kind: Any) -> None:
    one = _made(kind)
    assert one != tuple(one)
    assert tuple(one) != one


def test_values_of_different_kinds_differ_though_their_fields_are_equal() -> None:
    alike = [(one, other) for one, other in combinations(map(_made, KINDS), 2) if tuple(one) == tuple(other)]
    assert len(alike) > 5
    for one, other in alike:
        assert one != other
        assert not one == other  # noqa: SIM201 - it has a method of its own
        assert len({one, other}) == 2
