"""What is said when a lock cannot be followed."""

from __future__ import annotations

from nbrucio.core.declaration import Requirement
from nbrucio.core.files import FileEntry
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.text import human_bytes, plural
from nbrucio.errors import IntegrityError, LockStale, NbrucioError, Offline


def absent(requirement: Requirement) -> LockStale:
    """The notebook has no lock for what is to be had by its lock alone."""
    return LockStale(
        f"'{requirement.handle}' ({requirement.did}) is not locked in the notebook.",
        subject=requirement.lock_key,
        hint="`nbrucio lock NOTEBOOK` locks it as it is now.",
    )


def stale(requirement: Requirement, drift: str) -> LockStale:
    """The catalogue says something else than the lock, and they must agree."""
    return LockStale(
        f"The lock of '{requirement.handle}' is stale: {requirement.did} {drift}.",
        subject=requirement.lock_key,
        hint=f"`nbrucio lock NOTEBOOK --upgrade {requirement.handle}` takes the new content; a sync without --locked "
        "keeps to the old one.",
    )


def lost(requirement: Requirement, entry: LockEntry, drift: str) -> LockStale:
    """The locked content cannot be named any more: only its digest is known, and the catalogue has other content."""
    return LockStale(
        f"'{requirement.handle}' is locked to {plural(entry.files, 'file')}, {human_bytes(entry.size_bytes)} of "
        f"{requirement.did}, which {drift}. The old list is not on this machine and cannot be brought back.",
        subject=requirement.lock_key,
        hint=f"`nbrucio lock NOTEBOOK --upgrade {requirement.handle}` takes the new content.",
    )


def not_asked(requirement: Requirement, *, locked: bool) -> Offline:
    """The catalogue would have to be asked, and there is no network."""
    why = "Its lock cannot be followed or compared" if locked else "It was never resolved on this machine"
    return Offline(
        f"{requirement.did} is not known well enough. {why} while nbrucio works offline.",
        subject=str(requirement.did),
        hint="Run `nbrucio sync` once with a network.",
    )


def list_not_here(requirement: Requirement) -> NbrucioError:
    """The lock holds only a digest, and the catalogue must not be asked for the list."""
    return Offline(
        f"'{requirement.handle}' ({requirement.did}) is locked, but the list of its files is not on this machine, and "
        "--frozen does not ask for it.",
        subject=requirement.lock_key,
        hint="Run `nbrucio sync` once without --frozen.",
    )


def other_bytes(resolved: ResolvedRequirement, entry: FileEntry, sha256: str) -> NbrucioError | None:
    """Why bytes with this SHA-256 (hex) are not the ones that the notebook's lock names; None when they may be."""
    locked = resolved.sha256.get(str(entry.did), sha256)
    if locked == sha256:
        return None
    return IntegrityError(
        f"{entry.did} has other bytes than the lock names: SHA-256 {sha256[:12]}… instead of {locked[:12]}….",
        subject=str(entry.did),
        hint="Its size and Rucio's checksum agree. If the new content is right, lock it.",
        next_command=f"nbrucio lock NOTEBOOK --upgrade {resolved.requirement.handle}",
    )
