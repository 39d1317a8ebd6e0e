"""The RSEs that a plan downloads from."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from nbrucio.core.plan import Plan
from nbrucio.core.rse_choice import RseChoice


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
