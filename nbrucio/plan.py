"""The plan: what a sync would do, in files and bytes, computed without doing it.

Pure: facts come in as values, the plan goes out as one. The engine carries out exactly what the plan says, and every
face shows the same plan.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from nbrucio import planfaults
from nbrucio.catalogue.base import FileEntry, Replica, total_bytes
from nbrucio.declaration import Requirement
from nbrucio.did import Did
from nbrucio.errors import NbrucioError
from nbrucio.lock import LockEntry

#: Schemes of PFNs that uproot, fsspec and ROOT open as they are, and what each is called there.
STREAMED_SCHEMES = {"root": "root", "https": "https", "davs": "https", "http": "http"}


class Access(str, Enum):
    """How a file is had. REREAD: it lies in the store, and a sync reads it again before it is used."""

    STORE = "store"
    REREAD = "reread"
    MOUNT = "mount"
    DOWNLOAD = "download"
    STREAM = "stream"
    MISSING = "missing"


class Amount(NamedTuple):
    """So many files, so many bytes; None when the size of one is unknown."""

    files: int
    size_bytes: int | None

    @classmethod
    def of(cls, sizes: Sequence[int | None]) -> Amount:
        """As many files as there are ``sizes``."""
        return cls(len(sizes), total_bytes(sizes))


class Target(NamedTuple):
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
    sha256: Mapping[str, str] = MappingProxyType({})

    def verifiable(self, entry: FileEntry) -> bool:
        """Whether wrong bytes of ``entry`` would be noticed."""
        return entry.verifiable or str(entry.did) in self.sha256

    def unverified(self, entry: FileEntry) -> bool:
        """Whether ``entry`` is accepted by its size alone, or by nothing."""
        return entry.checksum is None and str(entry.did) not in self.sha256


#: A file at an instance: the same DID at two instances is two files.
FileKey = tuple[str, Did]


class Facts(NamedTuple):
    """What is known about where files are.

    Attributes:
        stored: files that are in the store, and their paths.
        mounted: files that were found on a mounted RSE, their paths, and the replicas that these are.
        replicas: of the files that are in neither; absent when they were not asked for.
        replica_errors: by instance, why its replicas could not be asked for.
        refused: files that are here with other bytes than a lock names.
        stats: of files in the store, the size, modification time in ns and inode with which they were verified.
        doubtful: files that lie in the store, which only a read can tell to be right.
    """

    stored: Mapping[FileKey, str]
    mounted: Mapping[FileKey, tuple[str, Replica]]
    replicas: Mapping[FileKey, tuple[Replica, ...]]
    replica_errors: Mapping[str, NbrucioError]
    refused: Mapping[FileKey, NbrucioError] = MappingProxyType({})
    stats: Mapping[FileKey, tuple[int, int, int]] = MappingProxyType({})
    doubtful: Mapping[FileKey, FileEntry] = MappingProxyType({})


class Limits(NamedTuple):
    """What this machine allows.

    Attributes:
        free_bytes: free space at the store.
        keep_free_bytes: what must stay free after a sync.
        max_download_bytes: at most so much in one sync; None for no limit.
        allow_unverifiable: whether files are used of which neither size nor checksum is known.
    """

    free_bytes: int
    keep_free_bytes: int = 0
    max_download_bytes: int | None = None
    allow_unverifiable: bool = False


class FilePlan(NamedTuple):
    """How one file will be had.

    Attributes:
        entry: the file.
        access: how.
        where: the path at which it is already, as text: a `Path` takes ten times the memory; None for a download, a
            streamed or a missing file, and for one that is to be read again.
        replica: the one that is streamed or mounted; None for every other file.
        error: why it is missing; None otherwise.
        stat: size, modification time in ns and inode of a file in the store when it was verified; else None.
    """

    entry: FileEntry
    access: Access
    where: str | None = None
    replica: Replica | None = None
    error: NbrucioError | None = None
    stat: tuple[int, int, int] | None = None

    @property
    def path(self) -> Path | None:
        """Where it is already."""
        return None if self.where is None else Path(self.where)

    @property
    def pfn(self) -> str | None:
        """The URL at which a streamed file is opened; None for every other."""
        return _streamed(self.replica) if self.replica is not None and self.access is Access.STREAM else None


class RequirementPlan(NamedTuple):
    """How one requirement will be had."""

    target: Target
    files: tuple[FilePlan, ...]

    @property
    def unverified_files(self) -> int:
        """Files that are had without a checksum."""
        return sum(file.access is not Access.MISSING and self.target.unverified(file.entry) for file in self.files)

    def amounts(self) -> dict[Access, Amount]:
        """How much is had in each way; a way that serves no file is absent."""
        return amounts_of((file.access, file.entry.size_bytes) for file in self.files)


class Wanted(NamedTuple):
    """A download that was asked for.

    Attributes:
        instance: identity of the Rucio server.
        did: of the requirement.
        size_bytes: of those of its files that are downloaded; of unknown size they count 0.
        total_bytes: of all its files.
    """

    instance: str
    did: Did
    size_bytes: int
    total_bytes: int

    def beside(self, agreed_bytes: int | None) -> int | None:
        """How much of the DID is agreed to with this, where ``agreed_bytes`` (None: any size) were before."""
        if agreed_bytes is None:
            return None
        return max(agreed_bytes, min(agreed_bytes + self.size_bytes, self.total_bytes))


class Plan(NamedTuple):
    """What a sync would do.

    Attributes:
        requirements: in the order of the declaration.
        downloads: each file to bring, once, with its instance, although several requirements may hold it.
        refusal: why nothing may be downloaded at all; None when it may.
        replicas: of each file to bring, best first.
    """

    requirements: tuple[RequirementPlan, ...]
    downloads: tuple[tuple[str, FilePlan], ...]
    refusal: NbrucioError | None
    replicas: Mapping[FileKey, tuple[Replica, ...]] = MappingProxyType({})

    @property
    def download_bytes(self) -> int | None:
        """The bytes that would be downloaded; None when the size of a file is unknown."""
        return total_bytes(file.entry.size_bytes for _, file in self.downloads)


def amounts_of(files: Iterable[tuple[Access, int | None]]) -> dict[Access, Amount]:
    """How much is had in each way; a way that serves no file is absent."""
    sizes: dict[Access, list[int | None]] = {}
    for access, size_bytes in files:
        sizes.setdefault(access, []).append(size_bytes)
    return {access: Amount.of(each) for access, each in sizes.items()}


def wanted(targets: Sequence[Target], *have: Container[FileKey]) -> dict[str, dict[Did, FileEntry]]:
    """By instance and DID, the files of ``targets`` that are in none of ``have``, each once, in order."""
    missing: dict[str, dict[Did, FileEntry]] = {}
    for target in targets:
        for entry in target.files:
            key = (target.instance, entry.did)
            if not any(key in one for one in have):
                missing.setdefault(target.instance, {})[entry.did] = entry
    return missing


def make_plan(targets: Sequence[Target], facts: Facts, limits: Limits) -> Plan:
    """The cheapest way to have every file of ``targets``: in the store, on a mount, by download, else streamed.

    What allows ``any`` access is streamed where the downloads would be over the budget or the space.
    """
    requirements = tuple(
        RequirementPlan(target, tuple(_plan_file(target, entry, facts, limits) for entry in target.files))
        for target in targets
    )
    if any(target.requirement.access == "any" for target in targets):
        requirements = _within(requirements, facts, limits)
    downloads = {
        (plan.target.instance, file.entry.did): file
        for plan in requirements
        for file in plan.files
        if file.access is Access.DOWNLOAD
    }
    ordered = tuple((instance, file) for (instance, _), file in downloads.items())
    # A full or read-only disk is no reason to refuse what downloads nothing.
    refused = refusal(sum(file.entry.size_bytes or 0 for _, file in ordered), limits) if ordered else None
    return Plan(requirements, ordered, refused, facts.replicas)


def _plan_file(target: Target, entry: FileEntry, facts: Facts, limits: Limits) -> FilePlan:
    # What is streamed is verified by nobody, whatever Rucio knows of it.
    if limits.allow_unverifiable or target.requirement.access == "stream" or target.verifiable(entry):
        return _cheapest(target, entry, facts)
    return FilePlan(entry, Access.MISSING, error=planfaults.unverifiable(entry))


def _cheapest(target: Target, entry: FileEntry, facts: Facts) -> FilePlan:
    key = (target.instance, entry.did)
    allowed = target.requirement.access
    if key in facts.refused and allowed != "mount":
        return FilePlan(entry, Access.MISSING, error=facts.refused[key])
    if key in facts.stored and allowed != "mount":
        return FilePlan(entry, Access.STORE, facts.stored[key], stat=facts.stats.get(key))
    if key in facts.doubtful and allowed != "mount":
        return FilePlan(entry, Access.REREAD)
    if key in facts.mounted and allowed not in ("store", "download"):
        return FilePlan(entry, Access.MOUNT, *facts.mounted[key])
    if target.instance in facts.replica_errors:
        return FilePlan(entry, Access.MISSING, error=facts.replica_errors[target.instance])
    if allowed == "rule":
        return FilePlan(entry, Access.MISSING, error=planfaults.not_staged(entry, target.requirement))
    if allowed in ("store", "mount"):
        return FilePlan(entry, Access.MISSING, error=planfaults.narrowed(entry, target.requirement))
    if key not in facts.replicas:
        return FilePlan(entry, Access.MISSING, error=planfaults.not_asked(entry))
    replicas = facts.replicas[key]
    plan = _plan_download(entry, replicas)
    if allowed != "stream" or plan.access is Access.MISSING:
        return plan
    streamed = _stream(entry, replicas)
    return streamed or FilePlan(entry, Access.MISSING, error=planfaults.narrowed(entry, target.requirement))


def _stream(entry: FileEntry, replicas: tuple[Replica, ...]) -> FilePlan | None:
    """The file streamed; None when no replica can be."""
    disks = (replica for replica in replicas if not replica.tape and replica.scheme in STREAMED_SCHEMES)
    best = next(disks, None)
    return None if best is None else FilePlan(entry, Access.STREAM, replica=best)


def _streamed(replica: Replica) -> str:
    return STREAMED_SCHEMES[replica.scheme] + replica.pfn[replica.pfn.index(":") :]


def _within(requirements: tuple[RequirementPlan, ...], facts: Facts, limits: Limits) -> tuple[RequirementPlan, ...]:
    """``requirements`` with the downloads of those that allow any access streamed, from the first that does not fit."""
    sizes: dict[FileKey, int] = {}
    for plan in requirements:
        if plan.target.requirement.access != "any":
            sizes.update(_download_sizes(plan))
    room = limits.free_bytes - limits.keep_free_bytes
    budget = min(room, room if limits.max_download_bytes is None else limits.max_download_bytes)
    return tuple(
        plan
        if plan.target.requirement.access != "any"
        else RequirementPlan(plan.target, tuple(_fitted(plan, facts, sizes, budget)))
        for plan in requirements
    )


def _fitted(plan: RequirementPlan, facts: Facts, sizes: dict[FileKey, int], budget: int) -> Iterator[FilePlan]:
    """The files of ``plan``, those streamed whose download does not fit beside ``sizes``, which grows."""
    left = budget - sum(sizes.values())
    for file in plan.files:
        key, size_bytes = (plan.target.instance, file.entry.did), file.entry.size_bytes or 0
        counted = file.access is not Access.DOWNLOAD or key in sizes
        streamed = None if counted or size_bytes <= left else _stream(file.entry, facts.replicas[key])
        if not counted and streamed is None:
            sizes[key] = size_bytes
            left -= size_bytes
        yield streamed or file


def _download_sizes(plan: RequirementPlan) -> dict[FileKey, int]:
    return {
        (plan.target.instance, file.entry.did): file.entry.size_bytes or 0
        for file in plan.files
        if file.access is Access.DOWNLOAD
    }


def _plan_download(entry: FileEntry, replicas: tuple[Replica, ...]) -> FilePlan:
    if any(not replica.tape for replica in replicas):
        return FilePlan(entry, Access.DOWNLOAD)
    error = planfaults.only_on_tape(entry, replicas) if replicas else planfaults.no_replica(entry)
    return FilePlan(entry, Access.MISSING, error=error)


def refusal(download_bytes: int, limits: Limits) -> NbrucioError | None:
    """Why so much may not be downloaded; None when it may."""
    if limits.max_download_bytes is not None and download_bytes > limits.max_download_bytes:
        return planfaults.over_budget(download_bytes, limits.max_download_bytes)
    room = limits.free_bytes - limits.keep_free_bytes
    return planfaults.no_space(download_bytes, room, limits.keep_free_bytes) if download_bytes > room else None
