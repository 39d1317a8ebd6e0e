"""Makes the locks of requirements: the new declaration and lock file, neither of them written yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbrucio.config import Config
from nbrucio.core.declaration import Declaration
from nbrucio.core.lockentry import INLINE_LIST_MAX_FILES, LockEntry, pins, same_content
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement, handle_of, variant_of
from nbrucio.notebook import lock_file
from nbrucio.notebook.declared import Declared
from nbrucio.notebook.lock_file import LockFile
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.resolve import ResolveOptions


def make_locks(
    run: RunContext,
    declared: Declared,
    declaration: Declaration,
    options: ResolveOptions,
    chosen: Sequence[Requirement],
    *,
    pin: bool = False,
) -> tuple[Declaration, LockFile, tuple[ResolvedRequirement, ...]]:
    """Return ``declaration`` with locks of the ``chosen`` requirements, the lock file, and the resolved requirements.

    A requirement that cannot be resolved has an error, and no new lock.

    Args:
        pin: list the files of closed datasets, too. A lock that lists them already is always replaced by such a lock.
    """
    wanted = declaration._replace(entries=tuple(chosen))
    beside = lock_file.read(declared.path)
    requirements = run.resolver().resolve(Declared(declared.notebook, wanted), options)
    for resolved in requirements:
        if resolved.lock is not None:
            sums = _sums(_verified(run, resolved), resolved, beside, declaration, anew=options.refresh)
            listed = pin or _lists_files(declaration.lock.get(resolved.requirement.lock_key), resolved.lock, beside)
            declaration = _without_stale(_locked(declaration, resolved, sums, run.given, listed=listed), resolved)
            beside = _pinned(beside, resolved, resolved.lock, sums, listed=listed)
    return declaration, beside, requirements


def _verified(run: RunContext, resolved: ResolvedRequirement) -> dict[str, str]:
    """Return the SHA-256 by DID of files that this machine verified."""
    found = ((entry, run.store.find(resolved.instance, entry)) for entry in resolved.files)
    return {str(entry.did): stored.sha256 for entry, stored in found if stored is not None}


def _sums(
    verified: dict[str, str], resolved: ResolvedRequirement, beside: LockFile, declaration: Declaration, *, anew: bool
) -> dict[str, str]:
    """Return the SHA-256 to lock: locked ones are unchanged unless ``anew`` is true."""
    assert resolved.lock is not None
    present = declaration.lock.get(resolved.requirement.lock_key)
    inline = present.sha256 if present and same_content(present, resolved.lock) else {}
    locked = {**beside.sums(resolved.lock.digest), **inline}
    return {**locked, **verified} if anew else {**verified, **locked}


def _lists_files(present: LockEntry | None, new: LockEntry, beside: LockFile) -> bool:
    """Return whether ``new`` must list its files, or ``present`` lists those of a closed dataset."""
    if pins(new.open, new.select):
        return True
    if present is None or pins(present.open, present.select):
        return False
    return present.pinned is not None or present.digest in beside.lists


def _pinned(
    beside: LockFile, resolved: ResolvedRequirement, entry: LockEntry, sums: Mapping[str, str], *, listed: bool
) -> LockFile:
    """Return the lock file with the parts of this lock entry that are too long for the notebook."""
    if entry.files <= INLINE_LIST_MAX_FILES:
        return beside
    return beside.with_list(entry.digest, resolved.files if listed else None, sums)


def _without_stale(declaration: Declaration, resolved: ResolvedRequirement) -> Declaration:
    """Return ``declaration`` without outdated locks of variants of a requirement that was locked."""
    if resolved.requirement.variant is not None:
        return declaration
    handle, variants = resolved.requirement.handle, declaration.extra.get("variants")
    known = variants if isinstance(variants, Mapping) else {}
    stale = {
        key
        for key, entry in declaration.lock.items()
        if key != handle
        and handle_of(key) == handle
        and (resolved.drift is not None or entry.did != resolved.requirement.did or variant_of(key) not in known)
    }
    return declaration._replace(lock={key: entry for key, entry in declaration.lock.items() if key not in stale})


def _locked(
    declaration: Declaration, resolved: ResolvedRequirement, sums: Mapping[str, str], config: Config, *, listed: bool
) -> Declaration:
    assert resolved.lock is not None
    key, name = resolved.requirement.lock_key, resolved.requirement.instance
    # A host alone identifies this instance only while no other instance of that host is configured.
    if name is None or not config.instance(name).is_called(name):
        named = resolved.requirement._replace(instance=resolved.instance)
        entries = tuple(named if entry == resolved.requirement else entry for entry in declaration.entries)
        declaration = declaration._replace(entries=entries)
    present = declaration.lock.get(key)
    # An unchanged lock keeps its time, so that locking twice changes nothing.
    entry = present if present and same_content(present, resolved.lock) else resolved.lock
    if entry.files <= INLINE_LIST_MAX_FILES:
        entry = entry._replace(sha256=sums, pinned=tuple(resolved.files) if listed else entry.pinned)
    else:
        entry = entry._replace(sha256={})
    return declaration.with_lock(key, entry)
