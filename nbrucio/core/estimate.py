"""A plan with its amounts, time and space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbrucio.core.files import total_bytes
from nbrucio.core.plan import Access, Amount, Plan, RequirementPlan, amounts_of
from nbrucio.errors import NbrucioError, exit_code_for


@dataclass(frozen=True)
class NotebookEstimate:
    """Estimate of a sync for one notebook.

    Attributes:
        path: the notebook.
        requirements: in the order of its declaration.
        faults: errors of invalid requirements, or the reason why the notebook is unreadable.
    """

    path: Path
    requirements: tuple[RequirementPlan, ...] = ()
    faults: tuple[NbrucioError, ...] = ()

    def errors(self) -> Iterator[NbrucioError]:
        """Return the errors of this notebook that are known beforehand."""
        yield from self.faults
        for requirement in self.requirements:
            yield from errors_of(requirement)

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
        plan: the plan of the sync.
        free_bytes: free space in the store before the sync; None if unknown.
        bytes_per_s: the rate of the last sync; None when none was measured.
    """

    notebooks: tuple[NotebookEstimate, ...]
    plan: Plan
    free_bytes: int | None
    bytes_per_s: float | None

    @property
    def downloads(self) -> Amount:
        """The downloads, each file once; zero if the plan exceeds a limit."""
        return Amount(0, 0) if self.plan.refusal else Amount(len(self.plan.downloads), self.plan.download_bytes)

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
            "version": 1,
            "exit_code": self.exit_code,
            "download": amount_json(self.downloads),
            "access": _access_json(total(self.plan.requirements)),
            "bytes_per_s": self.bytes_per_s,
            "seconds": self.seconds,
            "free_bytes": self.free_bytes,
            "free_after_bytes": self.free_after_bytes,
            "refusal": self.plan.refusal.as_json() if self.plan.refusal else None,
            "notebooks": [notebook.as_json() for notebook in self.notebooks],
        }


def errors_of(requirement: RequirementPlan) -> Iterator[NbrucioError]:
    """Return the errors of a requirement, each once."""
    if requirement.resolved.error is not None:
        yield requirement.resolved.error
    yield from {id(file.error): file.error for file in requirement.files if file.error is not None}.values()


def total(requirements: tuple[RequirementPlan, ...]) -> dict[Access, Amount]:
    """Return the amounts of all requirements by access; a file of two requirements counts once."""
    seen = {
        (requirement.resolved.instance, file.entry.did, file.access): file.entry.size_bytes
        for requirement in requirements
        for file in requirement.files
    }
    return amounts_of((access, size_bytes) for (_, _, access), size_bytes in seen.items())


def _requirement_json(plan: RequirementPlan) -> dict[str, object]:
    requirement, amounts = plan.resolved.requirement, plan.amounts()
    missing = (file for file in plan.files if file.error is not None)
    return {
        "handle": requirement.handle,
        "did": str(requirement.did),
        "instance": plan.resolved.instance or requirement.instance,
        "files": len(plan.files),
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
            for file in missing
        ],
        "errors": [error.as_json() for error in errors_of(plan)],
    }


def _access_json(amounts: Mapping[Access, Amount]) -> dict[str, dict[str, int | None]]:
    return {access.value: amount_json(amounts[access]) for access in Access if access in amounts}


def amount_json(amount: Amount) -> dict[str, int | None]:
    """Return ``amount`` as a JSON-ready mapping; unknown bytes are null."""
    return {"files": amount.files, "bytes": amount.size_bytes}
