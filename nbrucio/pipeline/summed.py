"""An estimate of many files: those here are counted, a few others asked for, and the rest is by Rucio's sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nbrucio.core import plan_errors
from nbrucio.core.amounts import AccessTotals, GrowingAmount, joined
from nbrucio.core.did import DidType
from nbrucio.core.plan import Access, Amount, DownloadLimits, Plan, RequirementPlan, ResolvedRequirement, amounts_of
from nbrucio.core.planner import allowed_access, make_plan, refusal, room
from nbrucio.core.replica_sums import merged
from nbrucio.core.sums_estimate import ByRucioSums, Split, SummedRequirement, fitted, split
from nbrucio.errors import NbrucioError, RucioRefused
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.count import Counted, Counter
from nbrucio.pipeline.locate import locate
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.replica_sums import AskedSums, SumsAsker

#: Files whose replicas are asked for one by one, in all: one request, which takes Rucio about a second.
FEW = 1_000

#: Largest number of unusable RSEs in one message.
_SHOWN = 2

#: By instance and access, files and bytes.
Totals = Mapping[str, Mapping[Access, Amount]]


class Summed(NamedTuple):
    """An estimate as amounts.

    Attributes:
        requirements: in order.
        plan: of the files that were asked for; its refusal is that of all downloads.
        totals: of all files, each once.
    """

    requirements: tuple[SummedRequirement, ...]
    plan: Plan
    totals: Totals


def summed(
    run: RunContext, requirements: Sequence[ResolvedRequirement], options: Options, limits: DownloadLimits
) -> Summed:
    """Return the estimate of a sync of ``requirements``. Only a few files are asked for one by one."""
    identities = [one.instance for one in requirements if one.files]
    shared = frozenset(name for name in identities if identities.count(name) > 1)
    counter = Counter(run, limits, FEW, shared)
    counted = [counter.count(one) for one in requirements]
    few = _few(counted)
    totals = AccessTotals()
    for one in counted:
        totals.add(one.resolved.instance, _amounts(one.first))
    asker = SumsAsker(run)
    many = [index for index, one in enumerate(counted) if one.elsewhere.files and index not in few]
    found: dict[int, SummedRequirement] = {}
    # What may be streamed as well gets the space that others leave.
    for index in (index for index in many if counted[index].sizes is None):
        found[index] = _by_sums(asker, counted[index], limits, totals)
    plan = _exact(run, [counted[index] for index in few], options, limits, totals)
    for index, planned in zip(few, plan.requirements, strict=True):
        first = zip(planned.files, counted[index].few_first, strict=True)
        own = amounts_of((file.access, file.entry.size_bytes) for file, is_first in first if is_first)
        totals.add(planned.resolved.instance, own)
        found[index] = _with_plan(counted[index], planned)
    for index in (index for index in many if counted[index].sizes is not None):
        found[index] = _by_sums(asker, counted[index], limits, totals)
    estimates = tuple(found.get(index) or _with_plan(one, None) for index, one in enumerate(counted))
    downloads = totals.of(Access.DOWNLOAD)
    refused = refusal(downloads.size_bytes or 0, limits) if downloads.files else None
    return Summed(estimates, plan._replace(refusal=refused), totals.by_instance)


def summed_whole(run: RunContext, resolved: ResolvedRequirement, limits: DownloadLimits) -> SummedRequirement:
    """Return the estimate of a requirement whose list is unknown: all files of its lock, as if none were in the store.

    Raises:
        NbrucioError: Rucio does not answer.
    """
    assert resolved.lock is not None
    counted = Counted(resolved)
    counted.elsewhere.files = counted.first_elsewhere.files = resolved.lock.files
    counted.elsewhere.size_bytes = counted.first_elsewhere.size_bytes = resolved.lock.size_bytes
    found = _by_sums(SumsAsker(run), counted, limits, AccessTotals())
    for error in found.faults if found.sums is None else ():
        raise error
    return found


def _few(counted: Sequence[Counted]) -> list[int]:
    """Return the requirements, by their index, whose files elsewhere are asked for one by one."""
    left = FEW
    chosen = []
    for index in sorted(range(len(counted)), key=lambda index: counted[index].elsewhere.files):
        one, files = counted[index].resolved, counted[index].elsewhere.files
        if files and one.lock is not None and (files <= left or one.lock.type is DidType.FILE):
            chosen.append(index)
            left -= files
    return sorted(chosen)


def _exact(
    run: RunContext, few: Sequence[Counted], options: Options, limits: DownloadLimits, totals: AccessTotals
) -> Plan:
    """Return the plan for the files elsewhere of ``few``, beside the downloads in ``totals``."""
    parts = [one.resolved._replace(files=tuple(one.few)) for one in few]
    free_bytes = max(0, room(limits) - (totals.of(Access.DOWNLOAD).size_bytes or 0))
    beside = limits._replace(max_download_bytes=free_bytes)
    return make_plan(parts, locate(run, parts, options), beside)


def _with_plan(counted: Counted, planned: RequirementPlan | None) -> SummedRequirement:
    """Return the estimate of a requirement of which no file, or each one, was asked for."""
    amounts = joined(_amounts(counted.here), planned.amounts() if planned else {})
    missing = (*counted.missing, *(planned.missing if planned else ()))
    unverified_files = counted.unverified_files + (planned.unverified_files if planned else 0)
    return SummedRequirement(counted.resolved, amounts, unverified_files, missing)


def _by_sums(asker: SumsAsker, counted: Counted, limits: DownloadLimits, totals: AccessTotals) -> SummedRequirement:
    """Return the estimate of a requirement by sums, and add it to ``totals``."""
    resolved, files = counted.resolved, counted.elsewhere.amount()
    here = _with_plan(counted, None)
    try:
        asked = asker.ask(resolved, files.files)
    except RucioRefused:
        asked = AskedSums(None)  # the sync does not need them
    except NbrucioError as error:
        gone = {Access.MISSING: files}
        totals.add(resolved.instance, {Access.MISSING: counted.first_elsewhere.amount()})
        return here._replace(by_access=joined(here.by_access, gone), faults=(error,))
    free_bytes = room(limits) - (totals.of(Access.DOWNLOAD).size_bytes or 0)
    own, first = (
        _split(counted, one, asked, allowed_access(resolved, limits), free_bytes)
        for one in (files, counted.first_elsewhere.amount())
    )
    totals.add(resolved.instance, first.amounts)
    gone_files = own.amounts.get(Access.MISSING, Amount(0, 0)).files
    where = "; ".join(asked.unusable[:_SHOWN])
    return here._replace(
        by_access=joined(here.by_access, own.amounts),
        unverified_files=here.unverified_files + min(counted.unverified_elsewhere, files.files - gone_files),
        faults=(plan_errors.missing_by_sums(gone_files, resolved, where),) if gone_files else (),
        sums=ByRucioSums(merged(asked.sums or ()), files.files, own.unsure_files),
    )


def _split(counted: Counted, files: Amount, asked: AskedSums, allowed: str | None, free_bytes: int) -> Split:
    found = split(files, asked.sums, asked.uses, allowed)
    if counted.sizes is None:
        return found
    return fitted(found, counted.sizes, free_bytes, streamable=bool(asked.uses.streamable))


def _amounts(growing: Mapping[Access, GrowingAmount]) -> dict[Access, Amount]:
    return {access: growing.amount() for access, growing in growing.items()}
