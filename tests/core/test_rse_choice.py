"""The order of replicas, and why a download comes from an RSE."""

from __future__ import annotations

from nbrucio.core.files import Replica
from nbrucio.core.rse_choice import RseChoice


def order(choice: RseChoice, *rses: str) -> list[str]:
    return [replica.rse for replica in choice.ordered([Replica(rse, f"https://x/{rse}", False) for rse in rses])]


def test_preferred_rses_come_first_and_avoided_ones_last() -> None:
    choice = RseChoice(prefer=("CERN-*",), avoid=("*_TAPEBUFFER", "US-*"))
    assert order(choice, "US-A", "DE-A", "CERN-B", "FR-A", "CERN-A") == ["CERN-B", "CERN-A", "DE-A", "FR-A", "US-A"]
    assert order(choice, "CERN_TAPEBUFFER", "DE-A") == ["DE-A", "CERN_TAPEBUFFER"]
    assert order(RseChoice(), "B", "A") == ["B", "A"]


def test_the_reason_names_what_decided() -> None:
    choice = RseChoice(prefer=("A",), avoid=("B",))
    assert [choice.reason(rse) for rse in "ABC"] == [
        "preferred",
        "avoided, but has the only replica",
        "first in Rucio's order",
    ]
    assert RseChoice(only="tier=1").reason("C") == "matches tier=1"
