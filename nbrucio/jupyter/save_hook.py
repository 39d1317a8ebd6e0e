"""What a save adds to a notebook's metadata: the data that its code uses, and what this machine resolved.

Everything follows from the notebook that is being saved and from what is in memory: no network, no file is read. Saving
twice gives the same bytes. Nothing that a person wrote is removed or changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized

from nbrucio.core.declaration import Declaration, Requirement, from_attachments, lock_for, propose_handle
from nbrucio.core.did import DidType
from nbrucio.core.lockentry import LockEntry
from nbrucio.errors import BadDeclaration
from nbrucio.notebook.code_scan import Scan, scan_notebook
from nbrucio.notebook.declared import ATTACHMENTS_KEY

KEY = "nbrucio"
#: Marks a requirement that the scan added, so that only such a one is ever called unused.
SOURCE, FROM_CODE, UNUSED = "source", "code", "unused"
#: A declaration with more entries is left alone: nobody wrote it by hand, and all requests wait while it is read.
MAX_UPDATED = 2_000


def update_metadata(content: dict[str, object], resolved: Mapping[str, LockEntry]) -> bool:
    """Bring the metadata of the notebook ``content`` up to date in place; returns whether anything changed.

    A declaration that cannot be read is left as it is: it is the user's to mend.

    Args:
        content: the notebook's JSON as it is about to be written.
        resolved: by handle, what the last sync of this notebook resolved on this machine.
    """
    metadata = content.get("metadata")
    if not isinstance(metadata, dict) or _is_too_long(metadata):
        return False
    found = scan_notebook(content)
    if KEY not in metadata and ATTACHMENTS_KEY not in metadata and not found.dids:
        return False
    try:
        before = _declared(metadata)
    except BadDeclaration:
        return False
    after = _locked(_marked(_completed(before, metadata, found), found), resolved)
    changed = after != before and bool(after.entries)
    if changed:
        metadata[KEY] = after.as_json()
    if KEY in metadata and isinstance(metadata.get(ATTACHMENTS_KEY), list):
        changed = _attach(metadata[ATTACHMENTS_KEY], after) or changed
    return changed


def _is_too_long(metadata: Mapping[str, object]) -> bool:
    declared = metadata.get(KEY)
    parts = [declared.get("requirements"), declared.get("lock")] if isinstance(declared, Mapping) else []
    return any(isinstance(p, Sized) and len(p) > MAX_UPDATED for p in (*parts, metadata.get(ATTACHMENTS_KEY)))


def _declared(metadata: Mapping[str, object]) -> Declaration:
    if KEY in metadata:
        return Declaration.parse(metadata[KEY])
    return Declaration()


def _completed(declaration: Declaration, metadata: Mapping[str, object], found: Scan) -> Declaration:
    """The declaration and what is attached or used beside it."""
    # Without a declaration of ours the attachments are one, for as long as the code adds nothing to them.
    attached = from_attachments(metadata.get(ATTACHMENTS_KEY)).requirements
    declared = {requirement.did for requirement in declaration.requirements}
    if KEY not in metadata and declared.union(r.did for r in attached) >= set(found.dids):
        return declaration
    new = [requirement for requirement in attached if requirement.did not in declared]
    taken = {requirement.handle for requirement in declaration.requirements}
    new = [r if r.handle not in taken else r._replace(handle=propose_handle(r.did, taken)) for r in new]
    taken |= {requirement.handle for requirement in new}
    for did in found.dids:
        if did not in declared and did not in {requirement.did for requirement in new}:
            handle = propose_handle(did, taken)
            taken.add(handle)
            new.append(Requirement(did, handle, extra={SOURCE: FROM_CODE}))
    return declaration._replace(entries=(*declaration.entries, *new)) if new else declaration


def _marked(declaration: Declaration, found: Scan) -> Declaration:
    """The declaration with a mark on what the scan once added and no code uses now, and without it on what is used."""
    entries = tuple(
        _mark(entry, found) if isinstance(entry, Requirement) and entry.extra.get(SOURCE) == FROM_CODE else entry
        for entry in declaration.entries
    )
    return declaration._replace(entries=entries) if entries != declaration.entries else declaration


def _mark(requirement: Requirement, found: Scan) -> Requirement:
    used = requirement.did in found.dids or requirement.handle in found.handles
    if used:
        return requirement._replace(extra={k: v for k, v in requirement.extra.items() if k != UNUSED})
    return requirement._replace(extra={**requirement.extra, UNUSED: True}) if found.complete else requirement


def _locked(declaration: Declaration, resolved: Mapping[str, LockEntry]) -> Declaration:
    """The declaration with a lock for each requirement that has none. A lock that stands is the user's to change."""
    for requirement in declaration.requirements if resolved else ():
        entry = lock_for(requirement, resolved)
        locked = requirement.handle in declaration.bad_lock or lock_for(requirement, declaration.lock) is not None
        if entry is not None and not locked:
            declaration = declaration.with_lock(requirement.handle, entry)
    return declaration


def _attach(attachments: list[object], declaration: Declaration) -> bool:
    """Add to rucio-jupyterlab's list what it lacks."""
    present = {item.get("did") for item in attachments if isinstance(item, Mapping)}
    names = {item.get("variableName") for item in attachments if isinstance(item, Mapping)}
    missing = [r for r in declaration.requirements if str(r.did) not in present and r.handle not in names]
    for requirement in missing:
        entry = declaration.lock.get(requirement.handle)
        kind = "file" if entry is not None and entry.type is DidType.FILE else "collection"
        attachments.append({"did": str(requirement.did), "type": kind, "variableName": requirement.handle})
    return bool(missing)


def declared_in(content: object) -> bool:
    """Whether the notebook with this JSON content declares anything, as a quick look tells."""
    metadata = content.get("metadata") if isinstance(content, Mapping) else None
    return isinstance(metadata, Mapping) and bool(metadata.get(KEY) or metadata.get(ATTACHMENTS_KEY))
