"""Errors about files that are missing from a plan, and about downloads that exceed a limit."""

from __future__ import annotations

from collections.abc import Sequence

from nbrucio.core.download_limit import LimitOrigin, because
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.plan import ResolvedRequirement, StoreLimit
from nbrucio.core.text import human_bytes, plural
from nbrucio.errors import IntegrityError, NbrucioError, NoReplica, NoSpace, Offline, OverBudget, Unavailable

#: By the access that a requirement allows: its name, and what is wrong with a file that it excludes.
_EXCLUDED: dict[str | None, tuple[str, str]] = {
    "mount": ("mounted files", "is not on a mounted RSE"),
    "store": ("cached files", "is not cached"),
    "stream": ("streamed files", "has no replica that can be streamed"),
    "any": ("mounted or streamed files at this site", "has no mounted or streamable replica"),
}
_FEWER_FILES = "Select fewer files, or raise max_download; `nbrucio config show --origin` says where it is set."
_FEWER_LATER = "Select fewer files, or raise max_session; `nbrucio config show --origin` says where it is set."
_FEWER_HERE = "Select fewer files, or ask whoever runs this site; `nbrucio config show --origin` says where it is set."
_EVICT = "Remove the least recently used files, or set evict = true in the configuration's [policy]."
_LESS_DATA = "Remove data that you do not need, or raise max_store in the configuration's [policy]."
_MORE_SPACE = "Free some space, or move the cache to another disk with NBRUCIO_STORE."


def unverifiable(entry: FileEntry) -> NbrucioError:
    """Return the error for a file without size and checksum: an incomplete file or a login page would be accepted."""
    return IntegrityError(
        f"{entry.did} cannot be verified: Rucio has neither its size nor a checksum.",
        subject=str(entry.did),
        hint="Ask its owner to register them, or set allow_unverifiable = true in the configuration's [policy].",
    )


def no_disk_replica(entry: FileEntry, replicas: Sequence[Replica]) -> NbrucioError:
    """None of ``replicas`` can be downloaded: they are all on tape, or there are none."""
    return _only_on_tape(entry, replicas) if replicas else _no_replica(entry)


def _only_on_tape(entry: FileEntry, replicas: Sequence[Replica]) -> NbrucioError:
    """Return the error for a file with replicas on tape only. nbrucio never starts a recall by itself."""
    where = ", ".join(replica.rse for replica in replicas)
    return NoReplica(
        f"{entry.did} is only on tape ({where}).",
        subject=str(entry.did),
        hint="`nbrucio stage NOTEBOOK HANDLE` asks Rucio for a replica on disk.",
    )


def _no_replica(entry: FileEntry) -> NbrucioError:
    """Return the error for a file without a readable replica."""
    return NoReplica(
        f"No replica of {entry.did} is available.",
        subject=str(entry.did),
        hint="nbrucio reads file, http, https, davs and root. List the replicas with other protocols.",
        next_command=f"rucio replica list file {entry.did}",
    )


def narrowed(entry: FileEntry, resolved: ResolvedRequirement) -> NbrucioError:
    """Return the error for a file whose replicas are all excluded by the access of the requirement, or of the site."""
    requirement, (allowed, fault) = resolved.requirement, _EXCLUDED[resolved.access]
    if requirement.access is None:
        return NoReplica(
            f"default_access allows only {allowed}, and {entry.did} {fault}.",
            subject=str(entry.did),
            hint=f"Set 'access' of '{requirement.handle}' to choose another one.",
        )
    return NoReplica(
        f"'{requirement.handle}' allows only {allowed}, and {entry.did} {fault}.",
        subject=str(entry.did),
        hint="Remove 'access' from the requirement to let nbrucio choose.",
    )


def missing_by_sums(files: int, resolved: ResolvedRequirement, where: str) -> NbrucioError:
    """Return the error for files of a requirement that no usable RSE has by Rucio's own sums.

    Args:
        where: why the RSEs with replicas cannot be used, in words; empty if there are none.
    """
    did = resolved.requirement.did
    return NoReplica(
        f"By Rucio's sums, {plural(files, 'file')} of {did} cannot be obtained{where and f': {where}'}.",
        subject=str(did),
        hint="`nbrucio plan --exact NOTEBOOK` names each file.",
    )


def mounted_only(entry: FileEntry, resolved: ResolvedRequirement, reason: str | None = None) -> NbrucioError:
    """Return the error for a file that is not on a mounted RSE, of an instance without downloads.

    Args:
        reason: the operator's reason.
    """
    return NoReplica(
        f"{entry.did} is not on a mounted RSE, and this site downloads nothing from its instance.",
        subject=str(entry.did),
        hint=f"A replication rule to the mounted RSE makes it available.{because(reason)}",
        next_command=f"nbrucio stage NOTEBOOK {resolved.requirement.handle}",
    )


def mount_missing(entry: FileEntry, mounts: str) -> NbrucioError:
    """Return the error for a file of an instance without downloads whose mounts are not there."""
    return NoReplica(
        f"{entry.did} is missing: this site downloads nothing from its instance, and {mounts} is not mounted here.",
        subject=str(entry.did),
        hint="Ask whoever runs this machine to mount it. `nbrucio config check` says where it is configured.",
    )


def not_staged(entry: FileEntry, resolved: ResolvedRequirement) -> NbrucioError:
    """Return the error for a file that has no replica on a mounted RSE yet."""
    return NoReplica(
        f"{entry.did} is not on a mounted RSE, and '{resolved.requirement.handle}' has access \"rule\".",
        subject=str(entry.did),
        next_command="nbrucio stage NOTEBOOK",
    )


def not_asked(entry: FileEntry, *, local: bool) -> NbrucioError:
    """Return the error for a file that is not in the store, while no server is asked.

    Args:
        local: whether that is the verb's way, and nbrucio is not offline.
    """
    if local:
        return Unavailable(f"{entry.did} is not cached.", subject=str(entry.did), next_command="nbrucio sync NOTEBOOK")
    return Offline(
        f"{entry.did} is not cached, and nbrucio is offline.",
        subject=str(entry.did),
        hint="Run `nbrucio sync NOTEBOOK` once with a network.",
    )


def over_budget(download_bytes: int, allowed_bytes: int, origin: LimitOrigin) -> NbrucioError:
    """Return the error for a download above the limit of this machine, or of this site."""
    whose, would = "site" if origin.by_site else "machine", f"{human_bytes(download_bytes)} would be downloaded"
    if origin.session_bytes is not None:
        message = (
            f"{would}; this {whose} allows {human_bytes(origin.session_bytes)} in one session, of which "
            f"{human_bytes(allowed_bytes)} are left."
        )
    else:
        message = f"{would}; this {whose} allows {human_bytes(allowed_bytes)} in one sync."
    return OverBudget(message, hint=f"{_fewer_files(origin)}")


def _fewer_files(origin: LimitOrigin) -> str:
    if origin.by_site:
        return f"{_FEWER_HERE}{because(origin.reason)}"
    return _FEWER_FILES if origin.session_bytes is None else _FEWER_LATER


def no_space(download_bytes: int, room_bytes: int, keep_free_bytes: int) -> NbrucioError:
    """Return the error for a download that does not fit into the store."""
    return NoSpace(
        f"{human_bytes(download_bytes)} would be downloaded, but the cache has room for "
        f"{human_bytes(max(0, room_bytes))} (it keeps {human_bytes(keep_free_bytes)} free).",
        hint=_MORE_SPACE,
    )


def store_full(download_bytes: int, store: StoreLimit) -> NbrucioError:
    """Return the error for a download after which the store would be larger than its limit."""
    missing_bytes = store.used_bytes + download_bytes - store.limit_bytes
    hint, command = _LESS_DATA, "nbrucio store"
    if missing_bytes <= store.evictable_bytes:
        hint, command = _EVICT, f"nbrucio store gc --to {store.used_bytes - missing_bytes}"
    return NoSpace(
        f"{human_bytes(download_bytes)} would be downloaded, but the cache has {human_bytes(store.used_bytes)} of at "
        f"most {human_bytes(store.limit_bytes)}.",
        hint=hint,
        next_command=command,
    )


def limit_reached(entry: FileEntry, allowed_bytes: int, origin: LimitOrigin) -> OverBudget:
    """The downloads of this run have reached the limit, and files of unknown size were not in the plan's bytes."""
    size = "of unknown size" if entry.size_bytes is None else human_bytes(entry.size_bytes)
    return OverBudget(
        f"{entry.did} ({size}) was not downloaded: the download limit of {human_bytes(allowed_bytes)} is reached.",
        subject=str(entry.did),
        hint=f"{_fewer_files(origin)}",
    )


def disk_full(entry: FileEntry, keep_free_bytes: int) -> NoSpace:
    """The disk was filled during the download."""
    return NoSpace(
        f"The download of {entry.did} was stopped: the disk would have less than {human_bytes(keep_free_bytes)} free.",
        subject=str(entry.did),
        hint=_MORE_SPACE,
    )
