"""Browse an instance before choosing data: scopes, RSEs, metadata, replicas, and the content of collections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, Any

from nbrucio.catalogue.errors import ServerRefusal, tidy, translate_errors
from nbrucio.catalogue.parse import did_of, facts_of
from nbrucio.catalogue.rules import Rule, rule_of
from nbrucio.config import Instance
from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts, total_bytes

if TYPE_CHECKING:
    from nbrucio.catalogue.client import InstanceClient

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
        connected: returns the client; connects on its first call.
    """

    def __init__(self, instance: Instance, connected: Callable[[], InstanceClient]) -> None:
        self._instance = instance
        self._connected = connected

    def account(self) -> str | None:
        """Return the user's account name; asks the server, which proves that the login works.

        None when the configuration names no account: the server reports it with a redirect, which the client does not
        follow.
        """
        client = self._connected()
        with translate_errors(self._instance):
            if client.account:
                return str(client.get_account(client.account)["account"])
            client.list_rses()
            return None

    def scopes(self, pattern: str = "*") -> list[str]:
        """Return the scopes that match ``pattern`` (``*`` is the wildcard), sorted."""
        client = self._connected()
        with translate_errors(self._instance):
            return sorted(scope for scope in map(str, client.list_scopes()) if fnmatchcase(scope, pattern))

    def own_scopes(self) -> list[str]:
        """Return the user's own scopes, sorted; empty when there are none."""
        client = self._connected()
        with translate_errors(self._instance):
            try:
                return sorted(map(str, client.list_scopes_for_account(client.account))) if client.account else []
            except ServerRefusal as error:
                if error.name in ("ScopeNotFound", "AccountNotFound"):
                    return []
                raise

    def rses(self) -> list[str]:
        """Return the names of all RSEs, sorted."""
        client = self._connected()
        with translate_errors(self._instance):
            return sorted(str(row["rse"]) for row in client.list_rses())

    def metadata(self, did: Did) -> dict[str, Any]:
        """Return the metadata of ``did`` in all of Rucio's plugins, without unset keys."""
        client = self._connected()
        with translate_errors(self._instance, str(did)):
            try:
                found = client.get_metadata(did.scope, did.name, plugin="ALL")
            except ServerRefusal as error:
                if error.status != 500:
                    raise
                # A server whose database lacks JSON answers 500 instead of skipping that plugin.
                found = client.get_metadata(did.scope, did.name)
        return {str(key): _plain(value) for key, value in sorted(found.items()) if value not in (None, "")}

    def contents(self, did: Did) -> Iterator[DidFacts]:
        """Yield the direct content of ``did`` as it arrives: files of a dataset, collections of a container."""
        client = self._connected()
        with translate_errors(self._instance, str(did)):
            for row in client.list_content(did.scope, did.name):
                yield facts_of(row, "type")

    def rules(self, did: Did) -> list[tuple[Rule, str]]:
        """Return all rules on ``did``, of any account, each with its account."""
        client = self._connected()
        with translate_errors(self._instance, str(did)):
            rows = list(client.list_did_rules(did.scope, did.name))
            return [(rule_of(row), str(row["account"])) for row in rows]

    def copies(self, did: Did, kind: DidType) -> tuple[list[Copies], bool]:
        """Return the replicas of ``did`` by RSE, and whether only its first `MAX_DATASETS` datasets were counted."""
        client = self._connected()
        with translate_errors(self._instance, str(did)):
            if kind is DidType.FILE:
                return _of_file(client, did), False
            datasets = [did] if kind is DidType.DATASET else list(islice(_datasets(client, did), MAX_DATASETS + 1))
            rows = [
                row
                for dataset in datasets[:MAX_DATASETS]
                for row in client.list_dataset_replicas(dataset.scope, dataset.name, deep=True)
            ]
            return _summed(rows), len(datasets) > MAX_DATASETS


def _datasets(client: InstanceClient, did: Did) -> Iterator[Did]:
    """Yield the datasets below a container, at any depth."""
    for row in client.list_content(did.scope, did.name):
        child = did_of(row)
        if row["type"] == DidType.DATASET.value:
            yield child
        elif row["type"] == DidType.CONTAINER.value:
            yield from _datasets(client, child)


def _of_file(client: InstanceClient, did: Did) -> list[Copies]:
    rows = client.list_replicas([{"scope": did.scope, "name": did.name}], all_states=True)
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
