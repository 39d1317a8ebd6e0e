"""Why a download comes from an RSE."""

from __future__ import annotations

from nbrucio.core.rse_choice import RseChoice


def test_the_reason_names_what_decided() -> None:
    choice = RseChoice(prefer=("A",), avoid=("B",))
    assert [choice.reason(rse) for rse in "ABC"] == [
        "preferred",
        "avoided, but has the only replica",
        "first in Rucio's order",
    ]
    assert RseChoice(only="tier=1").reason("C") == "matches tier=1"
