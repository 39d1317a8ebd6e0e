"""The RSEs that a plan downloads from."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from nbrucio.core.plan import Plan
from nbrucio.core.replica_order import ReplicaOrder


class DownloadOrigin(NamedTuple):
    """An RSE from which a plan downloads files, and why."""

    rse: str
    files: int
    reason: str

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        return dict(self._asdict())


def sources(plan: Plan, order: ReplicaOrder) -> list[DownloadOrigin]:
    """Return the RSEs that the downloads of ``plan`` try first, the most used ones first.

    The reason is that of the first file from there.
    """
    counted: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for instance, file in plan.downloads:
        disks = [one for one in plan.replicas.get((instance, file.entry.did), ()) if not one.tape]
        if disks:
            rse = disks[0].rse
            counted[rse] += 1
            if rse not in reasons:
                reasons[rse] = order.reason(disks)
    return [DownloadOrigin(rse, files, reasons[rse]) for rse, files in counted.most_common()]
