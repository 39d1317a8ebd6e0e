"""Adds to a saved notebook's metadata the data that its code uses, and locks from syncs on this machine.

It uses only the notebook and memory: no network and no other file. Saving twice writes the same bytes. A user's entries
are never removed or changed, and only the user imports attachments of rucio-jupyterlab.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized

from nbrucio.core.declaration import Declaration, from_attachments
from nbrucio.core.did import Did, DidType
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.requirement import Requirement, lock_for, propose_handle
from nbrucio.errors import BadDeclaration
from nbrucio.notebook.base import ATTACHMENTS_KEY
from nbrucio.notebook.code_scan import SAVE, Scan, scan_notebook

KEY = "nbrucio"
#: Marks a requirement that the scan added; only these are ever marked unused.
SOURCE, FROM_CODE, UNUSED = "source", "code", "unused"
#: One save declares at most so many DIDs; the next one continues.
MAX_ADDED = 200
#: A longer declaration stays unchanged: all requests of the server would wait while it is read.
MAX_UPDATED = 2_000


def update_metadata(content: dict[str, object], resolved: Mapping[str, LockEntry]) -> bool:
    """Update the metadata of the notebook ``content`` in place; return whether anything changed.

    A declaration that cannot be read stays unchanged, for the user to correct.

    Args:
        content: the notebook's JSON, before it is written.
        resolved: by handle, the lock entries of this notebook's last sync on this machine.
    """
    metadata = content.get("metadata")
    if not isinstance(metadata, dict) or _is_too_long(metadata):
        return False
    found = scan_notebook(content, SAVE)
    if KEY not in metadata and ATTACHMENTS_KEY not in metadata and not found.dids:
        return False
    try:
        before = _declared(metadata)
    except BadDeclaration:
        return False
    attachments = metadata.get(ATTACHMENTS_KEY)
    attached = from_attachments(attachments)
    if KEY not in metadata and isinstance(attachments, list) and attached.requirements:
        # The attachments are the data of this notebook. A declaration beside them would replace them.
        return _attach(attachments, _completed(attached, found.dids))
    after = _locked(_marked(_completed(before, found.dids), found), resolved)
    changed = after != before and bool(after.entries)
    if changed:
        metadata[KEY] = after.as_json()
    if KEY in metadata and isinstance(attachments, list):
        changed = _attach(attachments, after) or changed
    return changed


def _is_too_long(metadata: Mapping[str, object]) -> bool:
    declared = metadata.get(KEY)
    parts = [declared.get("requirements"), declared.get("lock")] if isinstance(declared, Mapping) else []
    return any(isinstance(p, Sized) and len(p) > MAX_UPDATED for p in (*parts, metadata.get(ATTACHMENTS_KEY)))


def _declared(metadata: Mapping[str, object]) -> Declaration:
    if KEY in metadata:
        return Declaration.parse(metadata[KEY])
    return Declaration()


def _completed(declaration: Declaration, dids: Iterable[Did]) -> Declaration:
    """Return the declaration with a requirement for each of these DIDs that it lacks."""
    declared = {requirement.did for requirement in declaration.requirements}
    taken = {requirement.handle for requirement in declaration.requirements}
    new: list[Requirement] = []
    for did in dids:
        if did not in declared and len(new) < MAX_ADDED:
            handle = propose_handle(did, taken)
            taken.add(handle)
            new.append(Requirement(did, handle, extra={SOURCE: FROM_CODE}))
    return declaration._replace(entries=(*declaration.entries, *new)) if new else declaration


def _marked(declaration: Declaration, found: Scan) -> Declaration:
    """Return the declaration with a mark on unused requirements that the scan added."""
    used = {*found.dids, *found.derived}
    handles = frozenset(found.handles)
    entries = tuple(
        _mark(entry, entry.did in used or entry.handle in handles, found.complete)
        if isinstance(entry, Requirement) and entry.extra.get(SOURCE) == FROM_CODE
        else entry
        for entry in declaration.entries
    )
    return declaration._replace(entries=entries) if entries != declaration.entries else declaration


def _mark(requirement: Requirement, used: bool, complete: bool) -> Requirement:
    if used:
        return requirement._replace(extra={k: v for k, v in requirement.extra.items() if k != UNUSED})
    return requirement._replace(extra={**requirement.extra, UNUSED: True}) if complete else requirement


def _locked(declaration: Declaration, resolved: Mapping[str, LockEntry]) -> Declaration:
    """Return the declaration with a lock for each requirement that has none. Only the user changes an existing lock."""
    for requirement in declaration.requirements if resolved else ():
        entry = lock_for(requirement, resolved)
        locked = requirement.handle in declaration.bad_lock or lock_for(requirement, declaration.lock) is not None
        if entry is not None and not locked:
            declaration = declaration.with_lock(requirement.handle, entry)
    return declaration


def _attach(attachments: list[object], declaration: Declaration) -> bool:
    """Add the requirements that rucio-jupyterlab's list lacks."""
    present = {item.get("did") for item in attachments if isinstance(item, Mapping)}
    names = {item.get("variableName") for item in attachments if isinstance(item, Mapping)}
    missing = [r for r in declaration.requirements if str(r.did) not in present and r.handle not in names]
    for requirement in missing:
        entry = declaration.lock.get(requirement.handle)
        kind = "file" if entry is not None and entry.type is DidType.FILE else "collection"
        attachments.append({"did": str(requirement.did), "type": kind, "variableName": requirement.handle})
    return bool(missing)


def declared_in(content: object) -> bool:
    """Whether the notebook with this JSON content declares anything, without parsing it."""
    metadata = content.get("metadata") if isinstance(content, Mapping) else None
    return isinstance(metadata, Mapping) and bool(metadata.get(KEY) or metadata.get(ATTACHMENTS_KEY))


def declared_event(metadata: Mapping[str, object]) -> dict[str, object]:
    """Return what a save has written into ``metadata``, for whoever has the notebook open."""
    attachments = metadata.get(ATTACHMENTS_KEY)
    attached = {"attachments": attachments} if isinstance(attachments, list) else {}
    return {"declaration": metadata.get(KEY, {}), **attached}
