"""Check the declaration of a notebook and its locks, without a network."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from shlex import quote

from nbrucio.core.declaration import Declaration
from nbrucio.core.did import Did
from nbrucio.core.filelist import digest_of
from nbrucio.core.parameter import variant_name
from nbrucio.core.requirement import NO_PARAMETERS, Requirement, handle_of, lock_for, variant_of
from nbrucio.core.schema import SchemaFault
from nbrucio.errors import LockStale, NbrucioError
from nbrucio.kernel.quoting import quoted_path
from nbrucio.notebook.schema_errors import as_error, reader_errors


def declaration_findings(declaration: Declaration, faults: Sequence[SchemaFault]) -> Iterator[NbrucioError]:
    """Yield what is wrong with a declaration in which its schema finds ``faults``, without its locks."""
    handles = {requirement.handle for requirement in declaration.requirements}
    yield from (as_error(fault) for fault in faults if _damaged_lock(fault, handles) is None)
    yield from reader_errors(declaration, faults)
    if any(fault.parts[:1] in (("variant",), ("variants",)) and not fault.allowed for fault in faults):
        return
    try:
        default = variant_name(declaration.extra.get("variant"), NO_PARAMETERS)
        for name in dict.fromkeys((default, *declaration.variants)):
            declaration.in_variant(name)
    except NbrucioError as error:
        yield error


def _damaged_lock(fault: SchemaFault, handles: Collection[str]) -> str | None:
    """Return the key of the lock entry that is unreadable by this fault, and that `lock` replaces; else None."""
    if fault.allowed or len(fault.parts) < 2 or fault.parts[0] != "lock":
        return None
    key = str(fault.parts[1])
    return key if handle_of(key) in handles else None


def lock_findings(path: Path, declaration: Declaration, faults: Sequence[SchemaFault]) -> Iterator[LockStale]:
    """Yield the requirements of the notebook at ``path`` without a lock that holds."""
    dids = {requirement.handle: requirement.did for requirement in declaration.requirements}
    damaged: dict[str, SchemaFault] = {}
    for fault in faults:
        if (damaged_key := _damaged_lock(fault, dids)) is not None:
            damaged.setdefault(damaged_key, fault)
    for key, fault in damaged.items():
        reason = f"has a lock that cannot be read: {fault.message.rstrip('.')}"
        yield _stale(path, handle_of(key), dids[handle_of(key)], reason, variant_of(key))
    for requirement in declaration.requirements:
        problem = None if requirement.lock_key in damaged else _lock_problem(requirement, declaration)
        if problem is not None:
            yield _stale(path, requirement.handle, requirement.did, problem)


def _stale(path: Path, handle: str, did: Did, reason: str, variant: str = "") -> LockStale:
    option = f" --variant {quote(variant)}" if variant else ""
    command = f"nbrucio lock {quoted_path(path)}{option}"
    return LockStale(f"'{handle}' ({did}) {reason}.", subject=handle, next_command=command)


def _lock_problem(requirement: Requirement, declaration: Declaration) -> str | None:
    entry = lock_for(requirement, declaration.lock)
    if entry is not None:
        damaged = entry.pinned is not None and digest_of(entry.pinned) != entry.digest
        return "has a lock whose file list was changed by hand" if damaged else None
    if requirement.handle in declaration.lock:
        return "is locked to another DID or selection"
    return "has a lock that cannot be read" if requirement.handle in declaration.bad_lock else "has no lock"
