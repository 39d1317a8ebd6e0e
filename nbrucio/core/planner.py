"""Make a plan from the availability of files."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.core import plan_errors
from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.plan import (
    STREAMED_SCHEMES,
    Access,
    DownloadLimits,
    FileKey,
    FilePlan,
    Plan,
    RequirementPlan,
    ResolvedRequirement,
)
from nbrucio.errors import NbrucioError


class Availability(NamedTuple):
    """The places of files.

    Attributes:
        stored: files that are in the store, and their paths.
        mounted: files on mounted RSEs, with path and replica.
        replicas: those of all other files; absent if they were not requested.
        replica_errors: by instance, the error of listing replicas; by file, the error of its row.
        refused: stored files whose bytes differ from a lock.
        stats: of files in the store, the size, modification time in ns and inode with which they were verified.
        doubtful: files in the store that must be read before they count as verified.
        unavailable: why files have no replica in `replicas`, where that is known.
        local: whether no server was asked although nbrucio is not offline.
    """

    stored: Mapping[FileKey, str]
    mounted: Mapping[FileKey, tuple[str, Replica]]
    replicas: Mapping[FileKey, tuple[Replica, ...]]
    replica_errors: Mapping[str | FileKey, NbrucioError]
    refused: Mapping[FileKey, NbrucioError] = MappingProxyType({})
    stats: Mapping[FileKey, tuple[int, int, int]] = MappingProxyType({})
    doubtful: Mapping[FileKey, FileEntry] = MappingProxyType({})
    unavailable: Mapping[FileKey, NbrucioError] = MappingProxyType({})
    local: bool = False


class Wanted(NamedTuple):
    """A requested download.

    Attributes:
        instance: identity of the Rucio server.
        did: of the requirement.
        size_bytes: bytes of its files to download; an unknown size counts as 0.
        total_bytes: bytes of all its files.
    """

    instance: str
    did: Did
    size_bytes: int
    total_bytes: int

    def beside(self, agreed_bytes: int | None) -> int | None:
        """Return the consent in bytes including this download, after a consent of ``agreed_bytes`` (None: any size)."""
        if agreed_bytes is None:
            return None
        return max(agreed_bytes, min(agreed_bytes + self.size_bytes, self.total_bytes))


def wanted(requirements: Sequence[ResolvedRequirement], *have: Container[FileKey]) -> dict[str, dict[Did, FileEntry]]:
    """Return by instance and DID the files of ``requirements`` that are in none of ``have``, each once, in order."""
    missing: dict[str, dict[Did, FileEntry]] = {}
    for resolved in requirements:
        for entry in resolved.files:
            key = (resolved.instance, entry.did)
            if not any(key in one for one in have):
                missing.setdefault(resolved.instance, {})[entry.did] = entry
    return missing


def make_plan(requirements: Sequence[ResolvedRequirement], availability: Availability, limits: DownloadLimits) -> Plan:
    """Return the plan for ``requirements``. Files are taken from the store, from a mount, by download, or else
    streamed. Requirements with ``any`` access are streamed if their downloads exceed the limits.
    """
    plans = tuple(
        RequirementPlan(resolved, tuple(plan_file(resolved, entry, availability, limits) for entry in resolved.files))
        for resolved in requirements
    )
    if any(resolved.access == "any" for resolved in requirements):
        plans = _within(plans, availability, limits)
    downloads = {
        (plan.resolved.instance, file.entry.did): file
        for plan in plans
        for file in plan.files
        if file.access is Access.DOWNLOAD
    }
    ordered = tuple((instance, file) for (instance, _), file in downloads.items())
    # A full or read-only disk must not stop a plan without downloads.
    refused = refusal(sum(file.entry.size_bytes or 0 for _, file in ordered), limits) if ordered else None
    return Plan(plans, ordered, refused, availability.replicas)


#: The access that replaces one at an instance from which nothing is downloaded.
_MOUNTED_ONLY = {None: "mounted", "download": "mounted", "any": "stream"}
#: The access with which nothing else is left for a file that is neither in the store nor mounted.
LOCAL = ("rule", "store", "mount", "mounted")


def _nothing_left(
    allowed: str, entry: FileEntry, resolved: ResolvedRequirement, limits: DownloadLimits
) -> NbrucioError:
    if allowed == "rule":
        return plan_errors.not_staged(entry, resolved)
    if allowed == "mounted" and resolved.instance in limits.missing_mounts:
        return plan_errors.mount_missing(entry, limits.missing_mounts[resolved.instance])
    if allowed == "mounted":
        return plan_errors.mounted_only(entry, resolved, limits.origin.reason)
    return plan_errors.narrowed(entry, resolved)


def plan_file(
    resolved: ResolvedRequirement, entry: FileEntry, availability: Availability, limits: DownloadLimits
) -> FilePlan:
    """Return the access to one file of ``resolved``, without regard to the sum of the downloads."""
    # Streamed bytes are never verified.
    if limits.allow_unverifiable or resolved.access == "stream" or resolved.verifiable(entry):
        return _cheapest(resolved, entry, availability, limits)
    return FilePlan(entry, Access.MISSING, error=plan_errors.unverifiable(entry))


def allowed_access(resolved: ResolvedRequirement, limits: DownloadLimits) -> str | None:
    """Return the access that ``resolved`` allows on this machine; None where nbrucio chooses."""
    if resolved.instance in limits.no_downloads:
        return _MOUNTED_ONLY.get(resolved.access, resolved.access)
    return resolved.access


def _cheapest(
    resolved: ResolvedRequirement, entry: FileEntry, availability: Availability, limits: DownloadLimits
) -> FilePlan:
    key = (resolved.instance, entry.did)
    allowed = allowed_access(resolved, limits)
    if key in availability.refused and allowed != "mount":
        return FilePlan(entry, Access.MISSING, error=availability.refused[key])
    if key in availability.stored and allowed != "mount":
        return FilePlan(entry, Access.STORE, availability.stored[key], stat=availability.stats.get(key))
    if key in availability.doubtful and allowed != "mount":
        return FilePlan(entry, Access.REREAD)
    if key in availability.mounted and allowed not in ("store", "download"):
        return FilePlan(entry, Access.MOUNT, *availability.mounted[key])
    error = availability.replica_errors.get(key) or availability.replica_errors.get(resolved.instance)
    if error is not None:
        return FilePlan(entry, Access.MISSING, error=error)
    if allowed in LOCAL:
        return FilePlan(entry, Access.MISSING, error=_nothing_left(allowed, entry, resolved, limits))
    if key not in availability.replicas:
        return FilePlan(entry, Access.MISSING, error=plan_errors.not_asked(entry, local=availability.local))
    replicas = availability.replicas[key]
    plan = _plan_download(entry, replicas, availability.unavailable.get(key))
    if allowed != "stream" or plan.access is Access.MISSING:
        return plan
    streamed = _stream(entry, replicas)
    return streamed or FilePlan(entry, Access.MISSING, error=plan_errors.narrowed(entry, resolved))


def _stream(entry: FileEntry, replicas: tuple[Replica, ...]) -> FilePlan | None:
    """Return the plan for a streamed file; None without a streamable replica."""
    disks = (replica for replica in replicas if not replica.tape and replica.scheme in STREAMED_SCHEMES)
    best = next(disks, None)
    return None if best is None else FilePlan(entry, Access.STREAM, replica=best)


def _within(
    requirements: tuple[RequirementPlan, ...], availability: Availability, limits: DownloadLimits
) -> tuple[RequirementPlan, ...]:
    """Return ``requirements``; those with ``any`` access are streamed from the first download that does not fit."""
    sizes: dict[FileKey, int] = {}
    for plan in requirements:
        if plan.resolved.access != "any":
            sizes.update(_download_sizes(plan))
    budget = room(limits)
    return tuple(
        plan
        if plan.resolved.access != "any"
        else RequirementPlan(plan.resolved, tuple(_fitted(plan, availability, sizes, budget)))
        for plan in requirements
    )


def _fitted(
    plan: RequirementPlan, availability: Availability, sizes: dict[FileKey, int], budget: int
) -> Iterator[FilePlan]:
    """Return the files of ``plan``; those that do not fit in addition to ``sizes``, which is extended, are streamed."""
    left = budget - sum(sizes.values())
    for file in plan.files:
        key, size_bytes = (plan.resolved.instance, file.entry.did), file.entry.size_bytes or 0
        counted = file.access is not Access.DOWNLOAD or key in sizes
        streamed = None if counted or size_bytes <= left else _stream(file.entry, availability.replicas[key])
        if not counted and streamed is None:
            sizes[key] = size_bytes
            left -= size_bytes
        yield streamed or file


def _download_sizes(plan: RequirementPlan) -> dict[FileKey, int]:
    return {
        (plan.resolved.instance, file.entry.did): file.entry.size_bytes or 0
        for file in plan.files
        if file.access is Access.DOWNLOAD
    }


def _plan_download(entry: FileEntry, replicas: tuple[Replica, ...], reason: NbrucioError | None) -> FilePlan:
    if any(not replica.tape for replica in replicas):
        return FilePlan(entry, Access.DOWNLOAD)
    return FilePlan(entry, Access.MISSING, error=reason or plan_errors.no_disk_replica(entry, replicas))


def refusal(download_bytes: int, limits: DownloadLimits) -> NbrucioError | None:
    """Return the error of the limit that these downloads exceed; None within the limits."""
    if limits.max_download_bytes is not None and download_bytes > limits.max_download_bytes:
        return plan_errors.over_budget(download_bytes, limits.max_download_bytes, limits.origin)
    if limits.store is not None and download_bytes > max(0, limits.store.room_bytes):
        return plan_errors.store_full(download_bytes, limits.store)
    room = _room_on_disk(limits)
    if room is None or download_bytes <= room:
        return None
    return plan_errors.no_space(download_bytes, room, limits.keep_free_bytes)


def room(limits: DownloadLimits) -> int:
    """Return the bytes that can be downloaded within all limits that are known."""
    store = None if limits.store is None else limits.store.room_bytes
    known = (_room_on_disk(limits), limits.max_download_bytes, store)
    return min((limit for limit in known if limit is not None), default=sys.maxsize)


def _room_on_disk(limits: DownloadLimits) -> int | None:
    """Return the bytes that can be downloaded before the disk is too full; None if unknown."""
    return None if limits.free_bytes is None else limits.free_bytes - limits.keep_free_bytes
