"""The access to files by sums: amounts that are not too low, and how many files are unsure."""

from __future__ import annotations

import pytest

from nbrucio.core.did import Did
from nbrucio.core.plan import Access, Amount
from nbrucio.core.replica_sums import ReplicaSums, RseSum
from nbrucio.core.sums_estimate import RseUses, split

USES = RseUses(frozenset({"M"}), frozenset({"D", "E"}), frozenset({"D"}), frozenset({"U"}))
ALL = Amount(10, 100)


def sums(**counts: int) -> list[ReplicaSums]:
    return [ReplicaSums(Did("s", "d"), 10, tuple(RseSum(rse, count, 10 * count) for rse, count in counts.items()))]


@pytest.mark.parametrize(
    ("counts", "allowed", "amounts", "unsure"),
    [
        ({"D": 10}, None, {Access.DOWNLOAD: ALL}, 0),
        ({"M": 10, "D": 10}, None, {Access.MOUNT: ALL}, 0),
        ({"M": 10, "D": 10}, "download", {Access.DOWNLOAD: ALL}, 0),
        ({"M": 4, "D": 10}, None, {Access.MOUNT: Amount(4, 40), Access.DOWNLOAD: Amount(6, 60)}, 0),
        ({"M": 4, "D": 10}, "mount", {Access.MOUNT: Amount(4, 40), Access.MISSING: Amount(6, 60)}, 0),
        ({"D": 10, "E": 10}, "stream", {Access.STREAM: ALL}, 0),
        ({"E": 10}, "stream", {Access.MISSING: ALL}, 0),
        ({"E": 9}, None, {Access.DOWNLOAD: Amount(9, 90), Access.MISSING: Amount(1, 10)}, 0),
        # Two halves, which may be the same one.
        ({"D": 5, "E": 5}, None, {Access.DOWNLOAD: ALL}, 5),
        ({"D": 3, "E": 4}, None, {Access.DOWNLOAD: Amount(7, 100), Access.MISSING: Amount(3, None)}, 3),
        # Tape, or an RSE that is off.
        ({"T": 10}, None, {Access.MISSING: ALL}, 0),
        ({"U": 10}, None, {Access.DOWNLOAD: ALL}, 10),
        ({"U": 10, "D": 10}, None, {Access.DOWNLOAD: ALL}, 0),
        ({"D": 10}, "store", {Access.MISSING: ALL}, 0),
    ],
)
def test_files_by_access(
    counts: dict[str, int], allowed: str | None, amounts: dict[Access, Amount], unsure: int
) -> None:
    assert split(ALL, sums(**counts), USES, allowed) == (amounts, unsure)


def test_a_part_of_a_dataset_has_a_size_only_as_a_whole() -> None:
    part = Amount(6, 60)
    assert split(part, sums(D=10), USES, None) == ({Access.DOWNLOAD: part}, 0)
    # The four files that are not mounted may be any.
    assert split(part, sums(M=6, D=10), USES, None).amounts == {
        Access.MOUNT: Amount(2, None),
        Access.DOWNLOAD: Amount(4, 60),
    }


@pytest.mark.parametrize("allowed", [None, "stream", "mount"])
def test_without_sums_nothing_is_sure(allowed: str | None) -> None:
    access = {None: Access.DOWNLOAD, "stream": Access.STREAM, "mount": Access.MOUNT}[allowed]
    assert split(ALL, None, USES, allowed) == ({access: ALL}, 10)
