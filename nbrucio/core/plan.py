"""The plan of a sync: the access to each file.

`nbrucio.core.planner` computes it. A sync carries out exactly this plan, and the command line and the panel show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.core.did import Did
from nbrucio.core.download_limit import OWN_LIMIT, LimitOrigin
from nbrucio.core.files import FileEntry, Replica, total_bytes
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.requirement import Requirement
from nbrucio.errors import NbrucioError

#: Schemes of PFNs that uproot, fsspec and ROOT open as they are, and what each is called there.
STREAMED_SCHEMES = {"root": "root", "https": "https", "davs": "https", "http": "http"}


class Access(str, Enum):
    """The access to a file. REREAD: it is in the store, and a sync verifies it again before use."""

    STORE = "store"
    REREAD = "reread"
    MOUNT = "mount"
    DOWNLOAD = "download"
    STREAM = "stream"
    MISSING = "missing"


class Amount(NamedTuple):
    """Number of files and bytes; bytes are None when the size of a file is unknown."""

    files: int
    size_bytes: int | None

    @classmethod
    def of(cls, sizes: Sequence[int | None]) -> Amount:
        """Return the amount of files with these ``sizes``."""
        return cls(len(sizes), total_bytes(sizes))

    def plus(self, other: Amount) -> Amount:
        """Return the sum of both."""
        return Amount(self.files + other.files, total_bytes((self.size_bytes, other.size_bytes)))


class ResolvedRequirement(NamedTuple):
    """A requirement with its instance and its files.

    Attributes:
        requirement: as declared.
        instance: the identity of the instance; empty when it is unknown.
        files: sorted by DID; empty when `error` is set.
        lock: the lock entry of these files; None when `error` is set.
        drift: how the catalogue's answer differs from the notebook's lock, in words; None when it does not.
        error: why the requirement could not be resolved.
        unchecked: why a check could not compare the lock with the catalogue.
        sha256: checksums in the notebook's lock, by DID; only of files that were verified once.
        default_access: the access of requirements without their own, by the policy.
    """

    requirement: Requirement
    instance: str
    files: Sequence[FileEntry] = ()
    lock: LockEntry | None = None
    drift: str | None = None
    error: NbrucioError | None = None
    unchecked: NbrucioError | None = None
    sha256: Mapping[str, str] = MappingProxyType({})
    default_access: str | None = None

    @property
    def access(self) -> str | None:
        """The access that is allowed: that of the requirement, else the default one; None where nbrucio chooses."""
        return self.requirement.access or self.default_access

    def verifiable(self, entry: FileEntry) -> bool:
        """Whether ``entry`` has a size or checksum to compare with."""
        return entry.verifiable or str(entry.did) in self.sha256

    def unverified(self, entry: FileEntry) -> bool:
        """Whether ``entry`` has no checksum."""
        return entry.checksum is None and str(entry.did) not in self.sha256


#: A file at an instance: the same DID at two instances is two files.
FileKey = tuple[str, Did]


class StoreLimit(NamedTuple):
    """The limit of the store's size.

    Attributes:
        limit_bytes: the most that the store may have.
        used_bytes: the size of its files.
        evictable_bytes: the size of those that may be removed to make room.
        evict: whether a sync may remove them.
    """

    limit_bytes: int
    used_bytes: int
    evictable_bytes: int
    evict: bool

    @property
    def room_bytes(self) -> int:
        """Return the bytes that a sync may download; negative if the store is too large already."""
        return self.limit_bytes - self.used_bytes + (self.evictable_bytes if self.evict else 0)


class DownloadLimits(NamedTuple):
    """The download limits of this machine.

    Attributes:
        free_bytes: free space in the store; None if unknown.
        keep_free_bytes: space that must stay free after a sync.
        max_download_bytes: the most that one sync downloads; None for no limit.
        allow_unverifiable: whether files without size and checksum are used.
        store: the limit of the store's size; None for no limit.
        no_downloads: identities of instances whose files are used from mounted RSEs only.
        origin: the origin of `max_download_bytes`, and the operator's reason.
        missing_mounts: of those instances, the mounts that are not there, in words.
    """

    free_bytes: int | None
    keep_free_bytes: int = 0
    max_download_bytes: int | None = None
    allow_unverifiable: bool = False
    no_downloads: frozenset[str] = frozenset()
    store: StoreLimit | None = None
    origin: LimitOrigin = OWN_LIMIT
    missing_mounts: Mapping[str, str] = MappingProxyType({})


class FilePlan(NamedTuple):
    """Planned access to one file.

    Attributes:
        entry: the file.
        access: how code gets the file.
        where: its present path, as text, because a `Path` takes ten times the memory; None unless it is in the store
            and verified, or mounted.
        replica: the streamed or mounted one; None for other files.
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
        """Its present path."""
        return None if self.where is None else Path(self.where)

    @property
    def pfn(self) -> str | None:
        """The URL of a streamed file; None for every other."""
        return streamed_url(self.replica) if self.replica is not None and self.access is Access.STREAM else None


class RequirementPlan(NamedTuple):
    """Planned access to the files of one requirement."""

    resolved: ResolvedRequirement
    files: tuple[FilePlan, ...]

    @property
    def sums(self) -> None:
        """Rucio's sums, on which no plan of files is based."""
        return

    @property
    def unverified_files(self) -> int:
        """Number of accessible files without a checksum."""
        return sum(file.access is not Access.MISSING and self.resolved.unverified(file.entry) for file in self.files)

    @property
    def missing(self) -> Iterator[FilePlan]:
        """The files that cannot be obtained, with the error of each."""
        return (file for file in self.files if file.error is not None)

    @property
    def errors(self) -> list[NbrucioError]:
        """The errors of the requirement and of its files, each once."""
        own = () if self.resolved.error is None else (self.resolved.error,)
        return [*own, *{id(file.error): file.error for file in self.files if file.error is not None}.values()]

    def amounts(self) -> dict[Access, Amount]:
        """Return the amount of each access; an access without files is absent."""
        return amounts_of((file.access, file.entry.size_bytes) for file in self.files)


class Plan(NamedTuple):
    """The plan of a sync.

    Attributes:
        requirements: in the order of the declaration.
        downloads: each file to download, once, with its instance; several requirements may have it.
        refusal: the limit that the downloads exceed, so that none starts; None within the limits.
        replicas: of each file to download, best first.
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
    """Return the amount of each access; an access without files is absent."""
    sizes: dict[Access, list[int | None]] = {}
    for access, size_bytes in files:
        sizes.setdefault(access, []).append(size_bytes)
    return {access: Amount.of(each) for access, each in sizes.items()}


def streamed_url(replica: Replica) -> str:
    """Return the URL by which libraries open ``replica``, whose scheme is in `STREAMED_SCHEMES`."""
    return STREAMED_SCHEMES[replica.scheme] + replica.pfn[replica.pfn.index(":") :]
