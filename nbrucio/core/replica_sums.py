"""Rucio's own sums of a dataset's replicas, and what they say about files without asking for each."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from nbrucio.core.did import Did
from nbrucio.core.files import total_bytes


class RseSum(NamedTuple):
    """The part of a dataset at one RSE.

    Attributes:
        rse: the RSE's name.
        files: number of available files there.
        size_bytes: bytes of these; None when Rucio does not know.
    """

    rse: str
    files: int
    size_bytes: int | None

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        return {"rse": self.rse, "files": self.files, "bytes": self.size_bytes}


class ReplicaSums(NamedTuple):
    """The replicas of one dataset by RSE.

    Attributes:
        did: the dataset.
        files: number of its files.
        rses: the RSEs with a part of it, in any order.
    """

    did: Did
    files: int
    rses: tuple[RseSum, ...]


class Bounds(NamedTuple):
    """The least and the greatest number of files for which a condition can hold, given the sums."""

    least: int
    most: int


def at_rses(files: int, sums: Sequence[ReplicaSums], good: Container[str], unknown: Container[str] = ()) -> Bounds:
    """Return of how many files there is a replica at the RSEs of ``good``.

    Args:
        files: the number of files, each in one of the datasets, or in several.
        sums: of all these datasets.
        good: the RSEs that count.
        unknown: the RSEs of which it is not known whether they count.
    """
    # A file without such a replica is among those that the fullest RSE lacks.
    without = sum(one.files - max(_counts(one, good), default=0) for one in sums)
    most = sum(min(one.files, sum(_counts(one, good)) + sum(_counts(one, unknown))) for one in sums)
    return Bounds(min(files, max(0, files - without)), min(files, most))


def bytes_at(files: int, sums: Sequence[ReplicaSums], good: Container[str]) -> int | None:
    """Return the bytes of the files at the RSEs of ``good``; None unless the sums say it: ``files`` are all files of
    the datasets, each in one dataset, and at most one of these RSEs has a part of each dataset.
    """
    if files != sum(one.files for one in sums):
        return None
    found = [[part for part in one.rses if part.rse in good] for one in sums]
    if any(len(parts) > 1 for parts in found):
        return None
    return total_bytes(part.size_bytes for parts in found for part in parts)


def merged(sums: Iterable[ReplicaSums]) -> tuple[RseSum, ...]:
    """Return the sums of several datasets by RSE, those with the most files first."""
    by_rse: dict[str, list[RseSum]] = {}
    for one in sums:
        for part in one.rses:
            by_rse.setdefault(part.rse, []).append(part)
    found = (
        RseSum(rse, sum(part.files for part in parts), total_bytes(part.size_bytes for part in parts))
        for rse, parts in by_rse.items()
    )
    return tuple(sorted(found, key=lambda one: (-one.files, one.rse)))


def _counts(one: ReplicaSums, rses: Container[str]) -> list[int]:
    return [min(one.files, part.files) for part in one.rses if part.rse in rses]
