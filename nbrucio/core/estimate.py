"""A plan with its amounts, time and space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.core.download_origins import DownloadOrigin, sources
from nbrucio.core.files import total_bytes
from nbrucio.core.named import named, of_handle
from nbrucio.core.plan import Access, Amount, Plan, RequirementPlan, amounts_of
from nbrucio.core.replica_order import ReplicaOrder
from nbrucio.core.sums_estimate import SummedRequirement
from nbrucio.errors import NbrucioError, envelope, exit_code_for


@dataclass(frozen=True)
class NotebookEstimate:
    """Estimate of a sync for one notebook.

    Attributes:
        path: the notebook.
        requirements: in the order of its declaration; those of a plan, or amounts by Rucio's sums.
        faults: errors of invalid requirements, or the reason why the notebook is unreadable.
    """

    path: Path
    requirements: tuple[RequirementPlan | SummedRequirement, ...] = ()
    faults: tuple[NbrucioError, ...] = ()

    def errors(self) -> Iterator[NbrucioError]:
        """Return the errors of this notebook that are known beforehand, with its name in the suggestions."""
        yield from named(self.faults, self.path)
        for requirement in self.requirements:
            handle = requirement.resolved.requirement.handle
            yield from named(of_handle(requirement.errors, handle), self.path)

    def as_json(self) -> dict[str, object]:
        """Return this notebook as a JSON-ready mapping."""
        return {
            "notebook": str(self.path),
            "requirements": [_requirement_json(requirement) for requirement in self.requirements],
            "faults": [fault.as_json() for fault in self.faults],
        }


@dataclass(frozen=True)
class Estimate:
    """Estimate of a sync.

    Attributes:
        notebooks: in the order of the arguments.
        plan: the plan of the sync, of those files whose replicas were asked for.
        free_bytes: free space in the store before the sync; None if unknown.
        bytes_per_s: the rate of the last sync; None when none was measured.
        session_left_bytes: what this session may still download; None without a limit.
        reason: the operator's reason for the limits of this site; None without one.
        order: the order in which replicas are tried.
        totals: by instance and access, amounts of all files, each once; None if the plan has all of them.
    """

    notebooks: tuple[NotebookEstimate, ...]
    plan: Plan
    free_bytes: int | None
    bytes_per_s: float | None
    session_left_bytes: int | None = None
    reason: str | None = None
    order: ReplicaOrder = field(default_factory=ReplicaOrder)
    totals: Mapping[str, Mapping[Access, Amount]] | None = None

    @property
    def by_access(self) -> dict[Access, Amount]:
        """The amount of each access, each file once; an access without files is absent."""
        if self.totals is None:
            return total(self.plan.requirements)
        found: dict[Access, Amount] = {}
        for access, amount in (pair for own in self.totals.values() for pair in own.items()):
            found[access] = found.get(access, Amount(0, 0)).plus(amount)
        return found

    @property
    def needed(self) -> Amount:
        """The files to download, each once, also if that exceeds a limit."""
        if self.totals is None:
            return Amount(len(self.plan.downloads), self.plan.download_bytes)
        return self.by_access.get(Access.DOWNLOAD, Amount(0, 0))

    @property
    def downloads(self) -> Amount:
        """The downloads, each file once; zero if the plan exceeds a limit."""
        return Amount(0, 0) if self.plan.refusal else self.needed

    @property
    def sources(self) -> list[DownloadOrigin]:
        """The RSEs of the downloads; none if the plan exceeds a limit."""
        return [] if self.plan.refusal else sources(self.plan, self.order)

    @property
    def download_bytes(self) -> dict[str, int]:
        """The bytes to download by instance; an unknown size counts as 0."""
        found: dict[str, int] = {}
        for instance, file in self.plan.downloads if self.totals is None else ():
            found[instance] = found.get(instance, 0) + (file.entry.size_bytes or 0)
        for instance, amounts in (self.totals or {}).items():
            if Access.DOWNLOAD in amounts:
                found[instance] = amounts[Access.DOWNLOAD].size_bytes or 0
        return found

    @property
    def seconds(self) -> float | None:
        """Seconds of the download; None if no rate was measured, or a size is unknown."""
        if not self.downloads.files:
            return 0.0
        size_bytes = self.downloads.size_bytes
        return size_bytes / self.bytes_per_s if self.bytes_per_s and size_bytes is not None else None

    @property
    def free_after_bytes(self) -> int | None:
        """Free space in the store after the sync; None when a size is unknown."""
        size_bytes = self.downloads.size_bytes
        return None if size_bytes is None or self.free_bytes is None else self.free_bytes - size_bytes

    def errors(self) -> Iterator[NbrucioError]:
        """Return all errors of the sync that are known beforehand."""
        for notebook in self.notebooks:
            yield from notebook.errors()
        if self.plan.refusal is not None:
            yield self.plan.refusal

    @property
    def exit_code(self) -> int:
        """The exit code of the sync, as far as it is known beforehand."""
        return exit_code_for(self.errors())

    def as_json(self) -> dict[str, object]:
        """Return the whole estimate as a JSON-ready mapping; sizes in bytes."""
        return {
            **envelope(self.errors()),
            "download": amount_json(self.downloads),
            "access": _access_json(self.by_access),
            "bytes_per_s": self.bytes_per_s,
            "seconds": self.seconds,
            "free_bytes": self.free_bytes,
            "free_after_bytes": self.free_after_bytes,
            "session_left_bytes": self.session_left_bytes,
            "reason": self.reason,
            "refusal": self.plan.refusal.as_json() if self.plan.refusal else None,
            "notebooks": [notebook.as_json() for notebook in self.notebooks],
            "sources": [source.as_json() for source in self.sources],
        }


def total(requirements: tuple[RequirementPlan, ...]) -> dict[Access, Amount]:
    """Return the amounts of all requirements by access; a file of two requirements counts once."""
    seen = {
        (requirement.resolved.instance, file.entry.did, file.access): file.entry.size_bytes
        for requirement in requirements
        for file in requirement.files
    }
    return amounts_of((access, size_bytes) for (_, _, access), size_bytes in seen.items())


def _requirement_json(plan: RequirementPlan | SummedRequirement) -> dict[str, object]:
    requirement, amounts = plan.resolved.requirement, plan.amounts()
    return {
        "handle": requirement.handle,
        "did": str(requirement.did),
        "instance": plan.resolved.instance or requirement.instance,
        "files": sum(amount.files for amount in amounts.values()),
        "bytes": total_bytes(amount.size_bytes for amount in amounts.values()),
        "access": _access_json(amounts),
        "unverified_files": plan.unverified_files,
        "drift": plan.resolved.drift,
        "missing": [
            {
                "did": str(file.entry.did),
                "bytes": file.entry.size_bytes,
                "code": file.error.code if file.error else None,
            }
            for file in plan.missing
        ],
        "errors": [error.as_json() for error in plan.errors],
        "sums": plan.sums.as_json() if plan.sums else None,
    }


def _access_json(amounts: Mapping[Access, Amount]) -> dict[str, dict[str, int | None]]:
    return {access.value: amount_json(amounts[access]) for access in Access if access in amounts}


def amount_json(amount: Amount) -> dict[str, int | None]:
    """Return ``amount`` as a JSON-ready mapping; unknown bytes are null."""
    return {"files": amount.files, "bytes": amount.size_bytes}
