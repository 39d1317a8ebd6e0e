"""Errors about locks."""

from __future__ import annotations

from nbrucio.core.files import FileEntry
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement
from nbrucio.core.text import human_bytes, plural
from nbrucio.errors import IntegrityError, LockStale, NbrucioError, Offline, Unavailable


def absent(requirement: Requirement) -> LockStale:
    """Return the error for a requirement without a lock, with --locked or --frozen."""
    return LockStale(
        f"'{requirement.handle}' ({requirement.did}) is not locked in the notebook.",
        subject=requirement.lock_key,
        hint="Run `nbrucio lock NOTEBOOK` to lock it.",
    )


def stale(requirement: Requirement, drift: str) -> LockStale:
    """Return the error for a difference between catalogue and lock, with --locked."""
    return LockStale(
        f"The lock of '{requirement.handle}' is stale: {requirement.did} {drift}.",
        subject=requirement.lock_key,
        hint=f"`nbrucio lock NOTEBOOK --upgrade {requirement.handle}` locks the new content; `nbrucio sync` without "
        "--locked uses the old one.",
    )


def gone(requirement: Requirement, entry: LockEntry) -> LockStale:
    """Return the error for locked data that the catalogue no longer has, with --locked."""
    return LockStale(
        f"The lock of '{requirement.handle}' is stale: {requirement.did} no longer exists in Rucio.",
        subject=requirement.lock_key,
        hint="`nbrucio sync NOTEBOOK` without --locked uses the locked list of "
        f"{plural(entry.files, 'file')}, as far as this machine or Rucio still has them.",
    )


def lost(requirement: Requirement, entry: LockEntry, drift: str) -> LockStale:
    """Return the error for a locked file list that neither this machine nor the catalogue has."""
    return LockStale(
        f"'{requirement.handle}' is locked to {plural(entry.files, 'file')}, {human_bytes(entry.size_bytes)} of "
        f"{requirement.did}, which {drift}. The locked file list is not on this machine, and Rucio no longer has it.",
        subject=requirement.lock_key,
        hint=f"`nbrucio lock NOTEBOOK --upgrade {requirement.handle}` locks the new content.",
    )


def not_asked(requirement: Requirement, *, locked: bool, local: bool) -> NbrucioError:
    """Return the error for a requirement that needs the catalogue, while no server is asked.

    Args:
        local: whether that is the verb's way, and nbrucio is not offline.
    """
    if local:
        what = "The locked file list" if locked else "The file list"
        return Unavailable(
            f"{what} of {requirement.did} is not on this machine.",
            subject=str(requirement.did),
            next_command="nbrucio sync NOTEBOOK",
        )
    why = "cannot read or compare the lock of" if locked else "has never resolved"
    return Offline(
        f"nbrucio is offline and {why} {requirement.did} on this machine.",
        subject=str(requirement.did),
        hint="Run `nbrucio sync NOTEBOOK` once with a network.",
    )


def list_not_here(requirement: Requirement) -> NbrucioError:
    """Return the error for a locked file list that is not on this machine, with --frozen."""
    return Offline(
        f"'{requirement.handle}' ({requirement.did}) is locked, but its file list is not on this machine, and "
        "--frozen does not ask Rucio for it.",
        subject=requirement.lock_key,
        hint="Save the list with the notebook on a machine that reaches Rucio, and copy both files here.",
        next_command="nbrucio lock NOTEBOOK --pin",
    )


def other_bytes(resolved: ResolvedRequirement, entry: FileEntry, sha256: str) -> NbrucioError | None:
    """Return the error for a SHA-256 (hex) that differs from the notebook's lock; else None."""
    locked = resolved.sha256.get(str(entry.did), sha256)
    if locked == sha256:
        return None
    return IntegrityError(
        f"{entry.did} differs from the lock: SHA-256 {sha256[:12]}… instead of {locked[:12]}….",
        subject=str(entry.did),
        hint="Its size and its checksum in Rucio are correct. If the new content is right, lock it.",
        next_command=f"nbrucio lock NOTEBOOK --upgrade {resolved.requirement.handle}",
    )
