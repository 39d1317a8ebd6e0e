"""Browse an instance before choosing data: scopes, RSEs, metadata, replicas, and the content of collections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from nbrucio.catalogue import rest
from nbrucio.catalogue.errors import ServerRefusal, tidy, translate_errors
from nbrucio.catalogue.parse import did_of, facts_of, row_of
from nbrucio.catalogue.rules import Rule, rule_of
from nbrucio.catalogue.session import RucioSession
from nbrucio.config import Instance
from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts, total_bytes

#: Largest number of datasets of a container whose replicas are requested. More would take too long.
MAX_DATASETS = 50


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
            return str(row_of(session.first(rest.account(session.account())))["account"])

    def scopes(self, pattern: str = "*") -> list[str]:
        """Return the scopes that match ``pattern`` (``*`` is the wildcard), sorted."""
        with translate_errors(self._instance):
            found = map(str, self._session().first(rest.scopes()))
            return sorted(scope for scope in found if fnmatchcase(scope, pattern))

    def own_scopes(self) -> list[str]:
        """Return the user's own scopes, sorted; empty when there are none."""
        session = self._session()
        with translate_errors(self._instance):
            try:
                return sorted(map(str, session.first(rest.scopes_of(session.account()))))
            except ServerRefusal as error:
                if error.name in ("ScopeNotFound", "AccountNotFound"):
                    return []
                raise

    def rses(self) -> list[str]:
        """Return the names of all RSEs, sorted."""
        with translate_errors(self._instance):
            return sorted(str(row_of(row)["rse"]) for row in self._session().rows(rest.rses()))

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
        """Yield the direct content of ``did`` as it arrives: files of a dataset, collections of a container."""
        with translate_errors(self._instance, str(did)):
            for row in self._session().rows(rest.contents(did)):
                yield facts_of(row, "type")

    def rules(self, did: Did) -> list[tuple[Rule, str]]:
        """Return all rules on ``did``, of any account, each with its account."""
        with translate_errors(self._instance, str(did)):
            rows = map(row_of, self._session().rows(rest.rules_on(did)))
            return [(rule_of(row), str(row["account"])) for row in rows]

    def copies(self, did: Did, kind: DidType) -> tuple[list[Copies], bool]:
        """Return the replicas of ``did`` by RSE, and whether only its first `MAX_DATASETS` datasets were counted."""
        session = self._session()
        with translate_errors(self._instance, str(did)):
            if kind is DidType.FILE:
                return _of_file(map(row_of, session.rows(rest.all_replicas(did)))), False
            datasets = [did] if kind is DidType.DATASET else list(islice(_datasets(session, did), MAX_DATASETS + 1))
            rows = [
                row_of(row)
                for dataset in datasets[:MAX_DATASETS]
                for row in session.rows(rest.dataset_replicas(dataset))
            ]
            return _summed(rows), len(datasets) > MAX_DATASETS


def _datasets(session: RucioSession, did: Did) -> Iterator[Did]:
    """Yield the datasets below a container, at any depth."""
    for row in map(row_of, session.rows(rest.contents(did))):
        child = did_of(row)
        if row["type"] == DidType.DATASET.value:
            yield child
        elif row["type"] == DidType.CONTAINER.value:
            yield from _datasets(session, child)


def _of_file(rows: Iterable[Mapping[str, Any]]) -> list[Copies]:
    return [
        Copies(rse, int(state == "AVAILABLE"), 1, row.get("bytes") if state == "AVAILABLE" else 0, (state,))
        for row in rows
        for rse, state in sorted((row.get("states") or {}).items())
    ]


def _summed(rows: list[Mapping[str, Any]]) -> list[Copies]:
    by_rse: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_rse.setdefault(str(row["rse"]), []).append(row)
    return [
        Copies(
            rse,
            sum(int(row["available_length"] or 0) for row in own),
            sum(int(row["length"] or 0) for row in own),
            total_bytes(row["available_bytes"] if row["available_length"] else 0 for row in own),
            tuple(sorted({str(row["state"]) for row in own})),
        )
        for rse, own in sorted(by_rse.items())
    ]


def _plain(value: object) -> object:
    return value if isinstance(value, (bool, int, float)) else tidy(str(value))
