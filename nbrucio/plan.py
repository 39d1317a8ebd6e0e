"""The plan: what a sync would do, in files and bytes, computed without doing it.

Pure: facts come in as values, the plan goes out as one. The engine carries out exactly what the plan says, and every
face shows the same plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from nbrucio.catalogue.base import FileEntry, Replica
from nbrucio.declaration import Requirement
from nbrucio.did import Did
from nbrucio.errors import IntegrityError, NbrucioError, NoReplica, NoSpace, Offline, OverBudget
from nbrucio.lock import LockEntry
from nbrucio.words import human_bytes, plural


class Access(str, Enum):
    """How a file is had."""

    STORE = "store"
    MOUNT = "mount"
    DOWNLOAD = "download"
    MISSING = "missing"


@dataclass(frozen=True)
class Amount:
    """So many files, so many bytes; files of unknown size count 0 bytes."""

    files: int
    size_bytes: int

    def plus(self, size_bytes: int) -> Amount:
        """This and one more file."""
        return Amount(self.files + 1, self.size_bytes + size_bytes)


@dataclass(frozen=True)
class Target:
    """One requirement, resolved: the instance it means there and the files it stands for.

    Attributes:
        requirement: as declared.
        instance: the identity of the instance; empty when it could not be told.
        files: sorted by DID; empty when `error` is set.
        lock: what was resolved; None when `error` is set.
        drift: how the catalogue's answer differs from the notebook's lock, in words; None when it does not.
        error: why the requirement could not be resolved.
        sha256: what the notebook's lock says of its files, by DID; files that were never verified are absent.
    """

    requirement: Requirement
    instance: str
    files: tuple[FileEntry, ...] = ()
    lock: LockEntry | None = None
    drift: str | None = None
    error: NbrucioError | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)


#: A file at an instance: the same DID at two instances is two files.
FileKey = tuple[str, Did]


@dataclass(frozen=True)
class Facts:
    """What is known about where files are.

    Attributes:
        stored: files that are in the store, and their paths.
        mounted: files that were found on a mounted RSE, and their paths.
        replicas: of the files that are in neither; absent when they were not asked for.
        replica_errors: by instance, why its replicas could not be asked for.
        refused: files that are here with other bytes than a lock names.
    """

    stored: Mapping[FileKey, Path]
    mounted: Mapping[FileKey, Path]
    replicas: Mapping[FileKey, tuple[Replica, ...]]
    replica_errors: Mapping[str, NbrucioError]
    refused: Mapping[FileKey, NbrucioError] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What this machine allows.

    Attributes:
        free_bytes: free space at the store.
        keep_free_bytes: what must stay free after a sync.
        max_download_bytes: at most so much in one sync; None for no limit.
    """

    free_bytes: int
    keep_free_bytes: int = 0
    max_download_bytes: int | None = None


@dataclass(frozen=True)
class FilePlan:
    """How one file will be had.

    Attributes:
        entry: the file.
        access: how.
        path: where it is already; None for a download or a missing file.
        replicas: where a download may read it, best first.
        error: why it is missing; None otherwise.
    """

    entry: FileEntry
    access: Access
    path: Path | None = None
    replicas: tuple[Replica, ...] = ()
    error: NbrucioError | None = None


@dataclass(frozen=True)
class RequirementPlan:
    """How one requirement will be had."""

    target: Target
    files: tuple[FilePlan, ...]

    def amounts(self) -> dict[Access, Amount]:
        """How much is had in each way; a way that serves no file is absent."""
        files: Counter[Access] = Counter()
        sizes: Counter[Access] = Counter()
        for file in self.files:
            files[file.access] += 1
            sizes[file.access] += file.entry.size_bytes or 0
        return {access: Amount(count, sizes[access]) for access, count in files.items()}


@dataclass(frozen=True)
class Plan:
    """What a sync would do.

    Attributes:
        requirements: in the order of the declaration.
        downloads: each file to bring, once, with its instance, although several requirements may hold it.
        refusal: why nothing may be downloaded at all; None when it may.
    """

    requirements: tuple[RequirementPlan, ...]
    downloads: tuple[tuple[str, FilePlan], ...]
    refusal: NbrucioError | None

    @property
    def download_bytes(self) -> int:
        """The bytes that would be brought; files of unknown size count 0."""
        return sum(file.entry.size_bytes or 0 for _, file in self.downloads)


def wanted(targets: Sequence[Target], have: Mapping[FileKey, Path]) -> dict[str, list[Did]]:
    """By instance, the files of ``targets`` that are not among ``have``, each once, in order."""
    missing: dict[str, dict[Did, None]] = {}
    for target in targets:
        for entry in target.files:
            if (target.instance, entry.did) not in have:
                missing.setdefault(target.instance, {})[entry.did] = None
    return {instance: list(dids) for instance, dids in missing.items()}


def make_plan(targets: Sequence[Target], facts: Facts, limits: Limits) -> Plan:
    """The cheapest way to have every file of ``targets``: in the store, on a mount, else by download."""
    requirements = tuple(
        RequirementPlan(target, tuple(_plan_file(target, entry, facts) for entry in target.files)) for target in targets
    )
    downloads = {
        (plan.target.instance, file.entry.did): file
        for plan in requirements
        for file in plan.files
        if file.access is Access.DOWNLOAD
    }
    ordered = tuple((instance, file) for (instance, _), file in downloads.items())
    return Plan(requirements, ordered, _refusal(sum(file.entry.size_bytes or 0 for _, file in ordered), limits))


def _plan_file(target: Target, entry: FileEntry, facts: Facts) -> FilePlan:
    key = (target.instance, entry.did)
    allowed = target.requirement.access
    if key in facts.refused and allowed != "mount":
        return FilePlan(entry, Access.MISSING, error=facts.refused[key])
    if key in facts.stored and allowed != "mount":
        return FilePlan(entry, Access.STORE, facts.stored[key])
    if key in facts.mounted and allowed in (None, "mount"):
        return FilePlan(entry, Access.MOUNT, facts.mounted[key])
    if target.instance in facts.replica_errors:
        return FilePlan(entry, Access.MISSING, error=facts.replica_errors[target.instance])
    if allowed not in (None, "download"):
        return FilePlan(entry, Access.MISSING, error=_narrowed(entry, target.requirement))
    if key not in facts.replicas:
        return FilePlan(entry, Access.MISSING, error=_not_asked(entry))
    return _plan_download(entry, facts.replicas[key])


def _plan_download(entry: FileEntry, replicas: tuple[Replica, ...]) -> FilePlan:
    on_disk = tuple(replica for replica in replicas if not replica.tape)
    if on_disk:
        return FilePlan(entry, Access.DOWNLOAD, replicas=on_disk)
    if replicas:
        where = ", ".join(replica.rse for replica in replicas)
        error = NoReplica(f"{entry.did} is only on tape ({where}).", subject=str(entry.did))
    else:
        error = NoReplica(
            f"No replica of {entry.did} is available.",
            subject=str(entry.did),
            next_command=f"rucio replica list file {entry.did}",
        )
    return FilePlan(entry, Access.MISSING, error=error)


def lock_fault(target: Target, entry: FileEntry, sha256: str) -> NbrucioError | None:
    """Why bytes with this SHA-256 (hex) are not the ones that the notebook's lock names; None when they may be."""
    locked = target.sha256.get(str(entry.did), sha256)
    if locked == sha256:
        return None
    return IntegrityError(
        f"{entry.did} has other bytes than the lock names: SHA-256 {sha256[:12]}… instead of {locked[:12]}….",
        subject=str(entry.did),
        hint="Its size and Rucio's checksum agree. If the new content is right, lock it.",
        next_command=f"nbrucio lock NOTEBOOK --upgrade {target.requirement.handle}",
    )


def _narrowed(entry: FileEntry, requirement: Requirement) -> NbrucioError:
    return NoReplica(
        f"{entry.did} cannot be had by '{requirement.access}', the only access that '{requirement.handle}' allows.",
        subject=str(entry.did),
        hint="Remove 'access' from the requirement to let nbrucio choose.",
    )


def _not_asked(entry: FileEntry) -> NbrucioError:
    return Offline(f"{entry.did} is not in the store.", subject=str(entry.did), hint="Sync once with a network.")


def _refusal(download_bytes: int, limits: Limits) -> NbrucioError | None:
    if limits.max_download_bytes is not None and download_bytes > limits.max_download_bytes:
        return OverBudget(
            f"{human_bytes(download_bytes)} would be downloaded; this machine allows "
            f"{human_bytes(limits.max_download_bytes)} in one sync.",
            hint="Select fewer files, or raise max_download in the configuration's [policy].",
        )
    room = limits.free_bytes - limits.keep_free_bytes
    if download_bytes > room:
        return NoSpace(
            f"{human_bytes(download_bytes)} would be downloaded, but the store has room for "
            f"{human_bytes(max(0, room))} (it keeps {human_bytes(limits.keep_free_bytes)} free).",
            hint="Free some space, or put the store elsewhere with NBRUCIO_STORE.",
        )
    return None


def missing_words(plan: RequirementPlan) -> str:
    """``3 of 4 files, 6.3 MB of 8.4 MB``: how much of a requirement is here."""
    here = [file for file in plan.files if file.path is not None]
    size_here = sum(file.entry.size_bytes or 0 for file in here)
    size_all = sum(file.entry.size_bytes or 0 for file in plan.files)
    return f"{len(here):,} of {plural(len(plan.files), 'file')}, {human_bytes(size_here)} of {human_bytes(size_all)}"
