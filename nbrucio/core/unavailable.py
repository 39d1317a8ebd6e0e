"""The reason why a file has no replica that can be read now."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from nbrucio.core.files import FileEntry, ReplicaFacts, RseFacts
from nbrucio.errors import NoReplica

#: Largest number of RSEs in one message.
_SHOWN = 2
_STATES = {
    "COPYING": "is still being copied",
    "BAD": "is damaged",
    "BEING_DELETED": "is being deleted",
    "UNAVAILABLE": "is unavailable",
    "TEMPORARY_UNAVAILABLE": "is temporarily unavailable",
}
_ON_DISK = "`nbrucio stage NOTEBOOK HANDLE` asks Rucio for a replica on a mounted RSE."
_SWITCHED_OFF = "Sync again when its operators have switched it on."
_COPYING = "Sync again when the copy is complete; `nbrucio show` lists the replicas of a DID."
_REPAIR = "Ask the owner of the data, or the operators of the RSE, to repair it."


class _Fault(NamedTuple):
    """One replica that cannot be read: why, and what helps."""

    words: str
    hint: str


def no_readable_replica(entry: FileEntry, replicas: Sequence[ReplicaFacts], read: Container[str]) -> NoReplica | None:
    """Return the error for a file without a replica that can be read now; None if ``replicas`` do not explain it.

    Args:
        replicas: all of its replicas.
        read: the schemes that nbrucio reads.
    """
    if not replicas:
        hint = "Ask its owner for a replication rule, or for where the data is now."
        return NoReplica(f"Rucio has no replica of {entry.did}.", subject=str(entry.did), hint=hint)
    faults = [fault for fault in (_fault(replica, read) for replica in replicas) if fault is not None]
    if not faults:
        return None
    more = f", and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    words = "; ".join(fault.words for fault in faults[:_SHOWN])
    # The first that can be mended by waiting or by a copy; a damaged replica cannot.
    hint = min((fault.hint for fault in faults), key=_HINTS.index)
    return NoReplica(f"No replica of {entry.did} is available: {words}{more}.", subject=str(entry.did), hint=hint)


_HINTS = (_SWITCHED_OFF, _COPYING, _ON_DISK, _REPAIR)


def unread(rse: RseFacts, read: Container[str]) -> str | None:
    """Return why the files of ``rse`` cannot be read at all; None if they can."""
    if not rse.readable:
        return "is switched off for reading"
    if not rse.schemes:
        return "offers no protocol for reading"
    if not any(scheme in read for scheme in rse.schemes):
        return f"offers only {' and '.join(rse.schemes)}, which nbrucio does not read"
    return None


def _fault(replica: ReplicaFacts, read: Container[str]) -> _Fault | None:
    if replica.state != "AVAILABLE":
        state = _STATES.get(replica.state, f"has the state {replica.state}")
        return _Fault(f"the one at {replica.rse} {state}", _COPYING if replica.state == "COPYING" else _REPAIR)
    words = None if replica.facts is None else unread(replica.facts, read)
    if words is None:
        return None
    is_off = replica.facts is not None and not replica.facts.readable
    return _Fault(f"{replica.rse} {words}", _SWITCHED_OFF if is_off else _ON_DISK)
