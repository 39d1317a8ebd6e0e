"""The plan: what a sync would do, in files and bytes, computed without doing it.

Pure values; `nbrucio.core.planner` makes them. A sync carries out exactly what the plan says, and every
face shows the same plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.core.declaration import Requirement
from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, Replica, total_bytes
from nbrucio.core.lockentry import LockEntry
from nbrucio.errors import NbrucioError

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


class ResolvedRequirement(NamedTuple):
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


class DownloadLimits(NamedTuple):
    """What this machine allows.

    Attributes:
        free_bytes: free space at the store; None when its file system does not say.
        keep_free_bytes: what must stay free after a sync.
        max_download_bytes: at most so much in one sync; None for no limit.
        allow_unverifiable: whether files are used of which neither size nor checksum is known.
        no_downloads: identities of instances whose files are used from mounted RSEs only.
    """

    free_bytes: int | None
    keep_free_bytes: int = 0
    max_download_bytes: int | None = None
    allow_unverifiable: bool = False
    no_downloads: frozenset[str] = frozenset()


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

    resolved: ResolvedRequirement
    files: tuple[FilePlan, ...]

    @property
    def unverified_files(self) -> int:
        """Files that are had without a checksum."""
        return sum(file.access is not Access.MISSING and self.resolved.unverified(file.entry) for file in self.files)

    def amounts(self) -> dict[Access, Amount]:
        """How much is had in each way; a way that serves no file is absent."""
        return amounts_of((file.access, file.entry.size_bytes) for file in self.files)


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


def _streamed(replica: Replica) -> str:
    return STREAMED_SCHEMES[replica.scheme] + replica.pfn[replica.pfn.index(":") :]
