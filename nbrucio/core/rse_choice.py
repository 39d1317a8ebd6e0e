"""The order in which the replicas of a file are tried, and the reason why a download comes from an RSE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from nbrucio.core.files import Replica
from nbrucio.core.plan import Plan


class RseChoice(NamedTuple):
    """Which RSEs downloads come from.

    Attributes:
        only: Rucio's RSE expression; replicas elsewhere are not used. None for no limit.
        prefer: RSEs whose replicas are tried first, with ``*`` as the wildcard.
        avoid: RSEs whose replicas are tried last.
    """

    only: str | None = None
    prefer: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()

    def ordered(self, replicas: Sequence[Replica]) -> tuple[Replica, ...]:
        """Return ``replicas``, the preferred ones first and the avoided ones last, else in their order."""
        if not (self.prefer or self.avoid):
            return tuple(replicas)
        return tuple(sorted(replicas, key=lambda replica: self._rank(replica.rse)))

    def reason(self, rse: str) -> str:
        """Return why ``rse`` is the first one."""
        if _matches(rse, self.avoid):
            return "avoided, but has the only replica"
        if _matches(rse, self.prefer):
            return "preferred"
        return f"matches {self.only}" if self.only else "first in Rucio's order"

    def _rank(self, rse: str) -> tuple[bool, bool]:
        return _matches(rse, self.avoid), not _matches(rse, self.prefer)


class DownloadOrigin(NamedTuple):
    """An RSE from which a plan downloads files, and why."""

    rse: str
    files: int
    reason: str

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        return dict(self._asdict())


def sources(plan: Plan, choice: RseChoice) -> list[DownloadOrigin]:
    """Return the RSEs that the downloads of ``plan`` try first, the most used ones first."""
    counted: Counter[str] = Counter()
    for instance, file in plan.downloads:
        found = plan.replicas.get((instance, file.entry.did), ())
        first = next((replica.rse for replica in found if not replica.tape), None)
        if first is not None:
            counted[first] += 1
    return [DownloadOrigin(rse, files, choice.reason(rse)) for rse, files in counted.most_common()]


def _matches(rse: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(rse, pattern) for pattern in patterns)
