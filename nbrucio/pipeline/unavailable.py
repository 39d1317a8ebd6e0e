"""Ask Rucio why files have no replica that can be read now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry
from nbrucio.core.plan import FileKey
from nbrucio.core.unavailable import no_readable_replica
from nbrucio.errors import NbrucioError, NoReplica
from nbrucio.pipeline.context import RunContext

#: Files to ask about, in one request for each instance. The others have the general error.
_ASKED = 1_000


def why_unavailable(
    run: RunContext, files: Mapping[str, Mapping[Did, FileEntry]], keys: Iterable[FileKey]
) -> dict[FileKey, NoReplica]:
    """Return the reason for each of ``keys``, files that have no available replica; without those that are unknown.

    Replicas of one run's RSEs (``--rse``) are not explained: others are left out on purpose.
    """
    if run.config.policy.only_rses:
        return {}
    without: dict[str, list[Did]] = {}
    for identity, did in keys:
        without.setdefault(identity, []).append(did)
    found: dict[FileKey, NoReplica] = {}
    for identity, dids in without.items():
        try:
            for did, error in _explained(run, identity, files[identity], dids[:_ASKED]):
                found[identity, did] = error
        except NbrucioError:
            continue  # the general error stays
    return found


def _explained(
    run: RunContext, identity: str, files: Mapping[Did, FileEntry], dids: list[Did]
) -> Iterable[tuple[Did, NoReplica]]:
    from nbrucio.catalogue.rucio import SCHEMES

    for did, replicas in run.catalogue(identity).replica_facts(dids):
        error = no_readable_replica(files[did], replicas, SCHEMES) if did in files else None
        if error is not None:
            yield did, error
