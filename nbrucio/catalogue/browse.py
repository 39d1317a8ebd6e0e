"""Browse an instance before choosing data: scopes, RSEs, metadata, replicas, and the content of collections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple

from nbrucio.catalogue import rest
from nbrucio.catalogue.errors import ServerRefusal, tidy, translate_errors
from nbrucio.catalogue.parse import count_of, did_of, facts_of, label_of, row_of, rse_of, sums_of
from nbrucio.catalogue.rules import Rule, rule_of
from nbrucio.catalogue.session import RucioSession
from nbrucio.config import Instance
from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts, DidSize, ReplicaFacts, RseFacts, total_bytes
from nbrucio.core.replica_sums import ReplicaSums
from nbrucio.errors import RucioRefused

#: Largest number of datasets of a container whose replicas are requested. More would take too long.
MAX_DATASETS = 50
#: Largest number of RSEs that are described to explain why files have no replica; each is a request.
MAX_RSES = 20


@dataclass(frozen=True)
class Copies:
    """The part of a DID at one RSE.

    Attributes:
        rse: the RSE's name.
        files: number of available files.
        files_total: number of files in the datasets that have any replica at this RSE.
        size_bytes: bytes of the available files; None when Rucio does not know.
        states: Rucio's replica states that occur: AVAILABLE, COPYING, BAD, …
    """

    rse: str
    files: int
    files_total: int
    size_bytes: int | None
    states: tuple[str, ...]


class Quota(NamedTuple):
    """The user's quota at one RSE, in bytes; ``limit`` is None for no limit."""

    rse: str
    used: int
    limit: int | None


class Browser:
    """Browses one instance. Methods raise the errors of `nbrucio.catalogue.errors.translate_errors`.

    Args:
        instance: the Rucio server.
        session: returns the session with it.
    """

    def __init__(self, instance: Instance, session: Callable[[], RucioSession]) -> None:
        self._instance = instance
        self._session = session

    def account(self) -> str:
        """Return the user's account name; asks the server, which proves that the login works."""
        session = self._session()
        with translate_errors(self._instance):
            return label_of(row_of(session.first(rest.account(session.account())))["account"])

    def scopes(self, pattern: str = "*") -> list[str]:
        """Return the scopes that match ``pattern`` (``*`` is the wildcard), sorted."""
        with translate_errors(self._instance):
            found = map(label_of, self._session().first(rest.scopes()))
            return sorted(scope for scope in found if fnmatchcase(scope, pattern))

    def own_scopes(self) -> list[str]:
        """Return the user's own scopes, sorted; empty when there are none."""
        session = self._session()
        with translate_errors(self._instance):
            try:
                return sorted(map(label_of, session.first(rest.scopes_of(session.account()))))
            except ServerRefusal as error:
                if error.name in ("ScopeNotFound", "AccountNotFound"):
                    return []
                raise

    def rses(self) -> list[str]:
        """Return the names of all RSEs, sorted."""
        with translate_errors(self._instance):
            return sorted(label_of(row_of(row)["rse"]) for row in self._session().rows(rest.rses()))

    def rse(self, name: str) -> RseFacts:
        """Return whether the RSE is switched on, and its protocols."""
        with translate_errors(self._instance, name):
            return rse_of(self._session().first(rest.rse(name)))

    def replica_facts(self, dids: Sequence[Did]) -> Iterator[tuple[Did, tuple[ReplicaFacts, ...]]]:
        """Yield all replicas of each file; see `nbrucio.catalogue.base.Catalogue.replica_facts`."""
        with translate_errors(self._instance):
            rows = list(self._session().rows(rest.all_replicas(dids)))
        described: dict[str, RseFacts | None] = {}
        for did, states in filter(None, map(_states, rows)):
            yield did, tuple(ReplicaFacts(name, state, self._described(name, described)) for name, state in states)

    def _described(self, name: str, known: dict[str, RseFacts | None]) -> RseFacts | None:
        if name not in known:
            known[name] = None
            if len(known) <= MAX_RSES:
                with suppress(RucioRefused):
                    known[name] = self.rse(name)
        return known[name]

    def size(self, did: Did) -> DidSize:
        """Return the files and bytes of ``did``, counted now; unknown for one that does not exist any more."""
        with translate_errors(self._instance, str(did)):
            try:
                row = row_of(self._session().first(rest.measured(did)))
            except ServerRefusal as error:
                if error.name == "DataIdentifierNotFound":
                    return DidSize(None, None)
                raise
            files = 1 if row.get("type") == DidType.FILE.value else count_of(row, "length", did) or 0
            return DidSize(files, count_of(row, "bytes", did) if files else 0)

    def tapes(self) -> set[str]:
        """Return the names of the RSEs that store on tape."""
        with translate_errors(self._instance):
            rows = map(row_of, self._session().rows(rest.rses()))
            return {label_of(row["rse"]) for row in rows if row.get("rse_type") == "TAPE"}

    def quotas(self) -> list[Quota]:
        """Return the user's quota at each RSE that has one."""
        session = self._session()
        with translate_errors(self._instance):
            rows = map(row_of, session.rows(rest.usage_of(session.account())))
            return [_quota(row) for row in rows if row.get("bytes_limit")]

    def metadata(self, did: Did) -> dict[str, Any]:
        """Return the metadata of ``did`` in all of Rucio's plugins, without unset keys."""
        session = self._session()
        with translate_errors(self._instance, str(did)):
            try:
                found = session.first(rest.metadata(did, "ALL"))
            except ServerRefusal as error:
                if error.status != 500:
                    raise
                # A server whose database lacks JSON answers 500 instead of skipping that plugin.
                found = session.first(rest.metadata(did, "DID_COLUMN"))
            return {str(key): _plain(value) for key, value in sorted(row_of(found).items()) if value not in (None, "")}

    def contents(self, did: Did) -> Iterator[DidFacts]:
        """Yield the direct content of ``did`` as it arrives: files of a dataset, collections of a container.

        Whether a collection is open is unknown here, and its totals too: these rows have neither.
        """
        with translate_errors(self._instance, str(did)):
            for row in self._session().rows(rest.contents(did)):
                yield facts_of(row, "type")._replace(open=False)

    def rules(self, did: Did) -> list[tuple[Rule, str]]:
        """Return all rules on ``did``, of any account, each with its account."""
        with translate_errors(self._instance, str(did)):
            rows = map(row_of, self._session().rows(rest.rules_on(did)))
            return [(rule_of(row), label_of(row["account"])) for row in rows]

    def copies(self, did: Did, kind: DidType) -> tuple[list[Copies], bool]:
        """Return the replicas of ``did`` by RSE, and whether only its first `MAX_DATASETS` datasets were counted."""
        session = self._session()
        with translate_errors(self._instance, str(did)):
            if kind is DidType.FILE:
                return _of_file(map(row_of, session.rows(rest.all_replicas([did])))), False
            datasets = list(islice(self.datasets(did, kind), MAX_DATASETS + 1))
            rows = [
                row_of(row)
                for dataset in datasets[:MAX_DATASETS]
                for row in session.rows(rest.dataset_replicas(dataset))
            ]
            return _summed(rows), len(datasets) > MAX_DATASETS

    def datasets(self, did: Did, kind: DidType) -> Iterator[Did]:
        """Yield the datasets below a container, at any depth and each once; a dataset is its own."""
        if kind is DidType.DATASET:
            yield did
            return
        seen: set[Did] = set()
        with translate_errors(self._instance, str(did)):
            for dataset in _datasets(self._session(), did):
                if dataset not in seen:
                    seen.add(dataset)
                    yield dataset

    def replica_sums(self, dataset: Did) -> ReplicaSums:
        """Return Rucio's sums of a dataset's replicas; see `nbrucio.catalogue.base.Catalogue.replica_sums`."""
        with translate_errors(self._instance, str(dataset)):
            rows = list(self._session().rows(rest.dataset_replicas(dataset)))
        if not rows:  # without a replica there is no row with the number of files either
            return ReplicaSums(dataset, self.size(dataset).files or 0, ())
        return sums_of(rows, dataset)


def _quota(row: Mapping[str, Any]) -> Quota:
    limit = float(row["bytes_limit"])  # no limit is infinity
    return Quota(label_of(row["rse"]), int(row["bytes"]), int(limit) if isfinite(limit) else None)


def _datasets(session: RucioSession, did: Did) -> Iterator[Did]:
    """Yield the datasets below a container, at any depth."""
    for row in map(row_of, session.rows(rest.contents(did))):
        child = did_of(row)
        if row["type"] == DidType.DATASET.value:
            yield child
        elif row["type"] == DidType.CONTAINER.value:
            yield from _datasets(session, child)


def _states(row: object) -> tuple[Did, list[tuple[str, str]]] | None:
    """Return the file of ``row`` and its state at each RSE; None where the row is malformed."""
    try:
        return did_of(row), _by_rse(row_of(row))
    except (RucioRefused, ValueError):
        return None


def _by_rse(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return sorted((label_of(rse), label_of(state)) for rse, state in row_of(row.get("states") or {}).items())


def _of_file(rows: Iterable[Mapping[str, Any]]) -> list[Copies]:
    return [
        Copies(rse, int(state == "AVAILABLE"), 1, row.get("bytes") if state == "AVAILABLE" else 0, (state,))
        for row in rows
        for rse, state in _by_rse(row)
    ]


def _summed(rows: list[Mapping[str, Any]]) -> list[Copies]:
    by_rse: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_rse.setdefault(label_of(row["rse"]), []).append(row)
    return [
        Copies(
            rse,
            sum(int(row["available_length"] or 0) for row in own),
            sum(int(row["length"] or 0) for row in own),
            total_bytes(row["available_bytes"] if row["available_length"] else 0 for row in own),
            tuple(sorted({label_of(row["state"]) for row in own})),
        )
        for rse, own in sorted(by_rse.items())
    ]


def _plain(value: object) -> object:
    return value if isinstance(value, (bool, int, float)) else tidy(str(value))
