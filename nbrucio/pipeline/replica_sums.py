"""Ask Rucio for its own sums of the replicas of datasets, and how their RSEs can be read here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

from nbrucio.catalogue.base import Catalogue
from nbrucio.config import Instance
from nbrucio.core.did import Did, DidType
from nbrucio.core.files import RseFacts
from nbrucio.core.plan import STREAMED_SCHEMES, ResolvedRequirement
from nbrucio.core.replica_sums import ReplicaSums, at_rses, merged
from nbrucio.core.sums_estimate import RseUses
from nbrucio.core.unavailable import unread
from nbrucio.errors import RucioRefused
from nbrucio.pipeline.context import RunContext

#: Largest number of datasets of a container to ask for, each with a request. The sums of a larger one stay unknown.
MAX_DATASETS = 50
#: Largest number of RSEs to describe, each with a request.
MAX_RSES = 20


class AskedSums(NamedTuple):
    """Rucio's sums for one requirement.

    Attributes:
        sums: of each dataset with its files; None if the sums are not about these files.
        uses: how files at the RSEs of the sums can be read here.
        unusable: why some of the RSEs cannot be used, in words.
    """

    sums: tuple[ReplicaSums, ...] | None
    uses: RseUses = RseUses()
    unusable: tuple[str, ...] = ()


class SumsAsker:
    """Asks for sums, once for each dataset and each RSE of a run. Methods raise the errors of a `Catalogue`."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._sums = cache(lambda instance, did: run.catalogue(instance).replica_sums(did))
        self._facts: dict[tuple[str, str], RseFacts | None] = {}

    def ask(self, resolved: ResolvedRequirement, files: int) -> AskedSums:
        """Return the sums for ``files`` files of ``resolved``, a dataset or container."""
        assert resolved.lock is not None
        instance = self._run.config.instance(resolved.instance)
        catalogue = self._run.catalogue(resolved.instance)
        datasets = self._datasets(catalogue, resolved.lock.did, resolved.lock.type)
        if datasets is None:
            return AskedSums(None)
        sums = tuple(self._sums(resolved.instance, did) for did in datasets)
        uses, unusable = self._uses(instance, catalogue, sums, files)
        return AskedSums(sums if _are_about(sums, resolved) else None, uses, unusable)

    @staticmethod
    def _datasets(catalogue: Catalogue, did: Did, kind: DidType) -> Sequence[Did] | None:
        found = list(islice(catalogue.datasets(did, kind), MAX_DATASETS + 1))
        return None if len(found) > MAX_DATASETS else found

    def _uses(
        self, instance: Instance, catalogue: Catalogue, sums: Sequence[ReplicaSums], files: int
    ) -> tuple[RseUses, tuple[str, ...]]:
        """Describe RSEs until one way of access is known for each file: those mounted here first, then the fullest."""
        mounts = {mount.rse for mount in instance.mounts if mount.path.is_dir()}
        names = sorted((part.rse for part in merged(sums) if part.files), key=lambda name: name not in mounts)
        mounted: set[str] = set()
        readable: set[str] = set()
        streamable: set[str] = set()
        unusable: list[str] = []
        for number, name in enumerate(names):
            known = name not in mounts and at_rses(files, sums, readable & streamable).least == files
            if known or number >= MAX_RSES:
                break
            facts = self._rse(instance, catalogue, name)
            if facts is None:
                continue
            words = unread(facts, _schemes())
            if words is not None or (facts.tape and name not in mounts):
                unusable.append(f"{name} {words or 'is on tape'}")
                continue
            if name in mounts:
                mounted.add(name)
            if not facts.tape:
                readable.add(name)
                if any(scheme in STREAMED_SCHEMES for scheme in facts.schemes):
                    streamable.add(name)
        described = {name for name in names if self._facts.get((instance.identity, name)) is not None}
        unknown = frozenset(names) - described
        return RseUses(frozenset(mounted), frozenset(readable), frozenset(streamable), unknown), tuple(unusable)

    def _rse(self, instance: Instance, catalogue: Catalogue, name: str) -> RseFacts | None:
        """Return the facts about an RSE; None if the server refuses to describe it."""
        key = (instance.identity, name)
        if key not in self._facts:
            try:
                self._facts[key] = catalogue.rse(name)
            except RucioRefused:
                self._facts[key] = None
        return self._facts[key]


def _are_about(sums: Sequence[ReplicaSums], resolved: ResolvedRequirement) -> bool:
    """Whether the datasets have as many files as the list of ``resolved``: it may be older than they are."""
    counted, lock = sum(one.files for one in sums), resolved.lock
    assert lock is not None
    # Two datasets of a container may have the same file; a selection leaves files out.
    return counted == lock.files if lock.type is DidType.DATASET and lock.select is None else counted >= lock.files


def _schemes() -> Sequence[str]:
    from nbrucio.catalogue.rucio import SCHEMES

    return SCHEMES
