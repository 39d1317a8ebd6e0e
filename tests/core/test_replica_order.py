"""Replicas are tried by preference, then by what was measured, else in Rucio's order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.core.files import Replica
from nbrucio.core.hosts import Performance, RseHost
from nbrucio.core.replica_order import ReplicaOrder
from nbrucio.core.rse_choice import RseChoice

FAILED = Performance(failed=True)
RUCIOS = RseChoice()


def _replicas(names: str) -> list[Replica]:
    return [Replica(rse, f"https://{rse.lower()}.example/x") for rse in names]


def _known(**performances: Performance | float) -> dict[RseHost, Performance]:
    """Performances by RSE; a number is MB/s."""
    return {
        RseHost(rse, f"{rse.lower()}.example"): one if isinstance(one, Performance) else Performance(one * 1e6)
        for rse, one in performances.items()
    }


def _order(order: ReplicaOrder, names: str, near: str = "") -> str:
    return "".join(replica.rse for replica in order.ordered(_replicas(names), frozenset(near)))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, "ABC"),
        ({"B": 100.0}, "ABC"),
        ({"A": 10.0, "C": 100.0}, "CBA"),  # what is not measured stays where Rucio puts it
        ({"A": 60.0, "C": 100.0}, "ABC"),  # less than twice as fast
        ({"A": 0.5}, "BCA"),  # slow: another one gets its chance
        ({"A": 0.5, "B": 0.2, "C": 0.4}, "ACB"),
        ({"A": FAILED}, "BCA"),
        ({"A": FAILED, "B": 0.5}, "CBA"),
        ({"A": FAILED, "B": FAILED, "C": FAILED}, "ABC"),
        ({"A": Performance(1e8, failed=True), "B": 10.0}, "BCA"),
    ],
)
def test_the_faster_one_is_first_and_a_failed_one_last(known: dict[str, float], expected: str) -> None:
    assert _order(ReplicaOrder(known=_known(**known)), "ABC") == expected


def test_preferences_and_the_own_site_are_before_what_was_measured() -> None:
    known = _known(A=1.5, B=90.0, C=50.0, D=400.0)
    choice = RseChoice(prefer=("A",), avoid=("D",))
    assert _order(ReplicaOrder(choice, known), "DCBA") == "ACBD"
    assert _order(ReplicaOrder(known=known), "ABC", near="A") == "ABC"
    assert _order(ReplicaOrder(known=_known(A=FAILED)), "ABC", near="A") == "ABC"


def test_preferred_rses_are_first_and_avoided_ones_last() -> None:
    choice = RseChoice(prefer=("C*",), avoid=("T*", "U"))
    assert _order(ReplicaOrder(choice), "UDCF") == "CDFU"
    assert _order(ReplicaOrder(choice), "TD") == "DT"


def test_another_host_of_an_rse_was_not_measured() -> None:
    known = {RseHost("A", "other.example"): FAILED}
    assert _order(ReplicaOrder(known=known), "AB") == "AB"


@given(
    names=st.text("ABCDEF", max_size=12),
    known=st.dictionaries(
        st.sampled_from("ABCDEF"),
        st.builds(Performance, st.none() | st.floats(1, 1e12, allow_nan=False), st.booleans()),
    ),
)
def test_no_replica_is_lost_and_the_order_is_stable(names: str, known: dict[str, Performance]) -> None:
    order = ReplicaOrder(known=_known(**known))
    once = _order(order, names)
    assert sorted(once) == sorted(names)
    assert _order(order, once) == once


def test_the_reason_names_what_decided() -> None:
    def reason(names: str, choice: RseChoice = RUCIOS, **known: Performance | float) -> str:
        return ReplicaOrder(choice, _known(**known)).reason(_replicas(names))

    assert reason("AB") == "first in Rucio's order"
    assert reason("BA", A=10.0, B=85.0) == "the fastest of those measured, 85.0 MB/s"
    assert reason("AB", A=60.0, B=85.0) == "first in Rucio's order"
    assert reason("BA", A=0.5) == "first in Rucio's order; A was slow"
    assert reason("BCA", A=FAILED, C=0.5) == "first in Rucio's order; C was slow"
    assert reason("BA", RseChoice(prefer=("B",)), A=FAILED) == "preferred"
