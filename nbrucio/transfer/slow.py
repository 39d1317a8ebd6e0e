"""Choice of a replica to read instead of one whose RSE is slow."""

from __future__ import annotations

from collections.abc import Callable

from nbrucio.core.files import Replica
from nbrucio.core.hosts import MOUNTED, RseHost, host_of
from nbrucio.core.replica_order import FASTER, SLOW_BYTES_PER_S
from nbrucio.core.text import human_bytes
from nbrucio.transfer.errors import TooSlow
from nbrucio.transfer.performance import Performances
from nbrucio.transfer.scheduler import TransferJob

#: What is worth a trial elsewhere takes so many times as long as a pace is measured.
_WORTH = 3.0


def at_of(replica: Replica) -> RseHost:
    """Return the RSE and the host of ``replica``."""
    return RseHost(replica.rse, host_of(replica))


def why_leave(
    job: TransferJob, missing_bytes: int, performances: Performances, is_usable: Callable[[Replica], bool]
) -> TooSlow | None:
    """Return why another replica should send the rest of a file; None where it stays.

    Args:
        missing_bytes: of all files that are read from that host at the same time.
    """
    pace = _slow_pace(job, performances)
    if pace is None or missing_bytes < pace * _WORTH * performances.pace_s:
        return None
    found = faster(job, performances, is_usable)
    return None if found is None else TooSlow(f"sends {human_bytes(int(pace))}/s", found)


def faster(job: TransferJob, performances: Performances, is_usable: Callable[[Replica], bool]) -> Replica | None:
    """Return a replica of ``job`` to read instead of its first one, whose RSE is slow; None where there is none.

    It is the fastest of those that are much faster, else the first whose RSE is not known yet. This file then tries it,
    and no other one does.
    """
    pace = _slow_pace(job, performances)
    if pace is None:
        return None
    here = at_of(job.left[0])
    others = [one for one in job.left[1:] if host_of(one) != here.host and is_usable(one)]
    paces = [(performances.pace(at_of(one), brief=True), one) for one in others]
    known = [(other, one) for other, one in paces if other is not None and other >= FASTER * pace]
    if known:
        return max(known, key=lambda each: each[0])[1]
    return next((one for other, one in paces if other is None and performances.try_once(at_of(one))), None)


def _slow_pace(job: TransferJob, performances: Performances) -> float | None:
    """Return the pace of the RSE that is first, if it is slow and ``job`` has not left it before."""
    first = job.left[0]
    if len(job.left) < 2 or first.pfn in job.slow or host_of(first) == MOUNTED:
        return None
    pace = performances.pace(at_of(first))
    return pace if pace is not None and pace < SLOW_BYTES_PER_S else None
