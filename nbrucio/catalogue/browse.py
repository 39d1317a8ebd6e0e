"""What people look at before they choose data: scopes, RSEs, metadata, copies, and what is in a collection."""

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

#: Of a container so many datasets are looked at for the copies; more would keep people waiting.
MAX_DATASETS = 50


@dataclass(frozen=True)
class Copies:
    """How much of a DID one RSE holds.

    Attributes:
        rse: the RSE's name.
        files: how many files are there and can be read.
        files_total: how many those have of which it holds any.
        size_bytes: of those that can be read; None when Rucio does not know it.
        states: Rucio's words for the states that occur: AVAILABLE, COPYING, BAD, …
    """

    rse: str
    files: int
    files_total: int
    size_bytes: int | None
    states: tuple[str, ...]


class Browser:
    """Looks around at one instance. Every method raises what `nbrucio.catalogue.errors.translate_errors` maps.

    Args:
        connected: gives the client; connects at its first call.
    """

    def __init__(self, instance: Instance, connected: Callable[[], InstanceClient]) -> None:
        self._instance = instance
        self._connected = connected

    def account(self) -> str | None:
        """Who the user is there; asks the server, and so proves that the login works.

        None when the instance's configuration names no account: the server's word for it comes as a redirect, which
        the client does not follow.
        """
        client = self._connected()
        with translate_errors(self._instance):
            if client.account:
                return str(client.get_account(client.account)["account"])
            client.list_rses()
            return None

    def scopes(self, pattern: str = "*") -> list[str]:
        """The scopes whose name matches ``pattern`` (``*`` is the wildcard), sorted."""
        client = self._connected()
        with translate_errors(self._instance):
            return sorted(scope for scope in map(str, client.list_scopes()) if fnmatchcase(scope, pattern))

    def own_scopes(self) -> list[str]:
        """The user's own scopes, sorted; none is no error."""
        client = self._connected()
        with translate_errors(self._instance):
            try:
                return sorted(map(str, client.list_scopes_for_account(client.account))) if client.account else []
            except ServerRefusal as error:
                if error.name in ("ScopeNotFound", "AccountNotFound"):
                    return []
                raise

    def rses(self) -> list[str]:
        """The names of the RSEs, sorted."""
        client = self._connected()
        with translate_errors(self._instance):
            return sorted(str(row["rse"]) for row in client.list_rses())

    def metadata(self, did: Did) -> dict[str, Any]:
        """Everything that Rucio keeps of ``did`` besides its content; what is not set is left out."""
        client = self._connected()
        with translate_errors(self._instance, str(did)):
            try:
                found = client.get_metadata(did.scope, did.name, plugin="ALL")
            except ServerRefusal as error:
                if error.status != 500:
                    raise
                # A server whose database has no JSON cannot say what it keeps there, and says nothing at all.
                found = client.get_metadata(did.scope, did.name)
        return {str(key): _plain(value) for key, value in sorted(found.items()) if value not in (None, "")}

    def contents(self, did: Did) -> Iterator[DidFacts]:
        """What ``did`` holds directly, streamed: files of a dataset, collections of a container."""
        client = self._connected()
        with translate_errors(self._instance, str(did)):
            for row in client.list_content(did.scope, did.name):
                yield facts_of(row, "type")

    def rules(self, did: Did) -> list[tuple[Rule, str]]:
        """The rules on ``did``, anybody's, each with its account."""
        client = self._connected()
        with translate_errors(self._instance, str(did)):
            rows = list(client.list_did_rules(did.scope, did.name))
            return [(rule_of(row), str(row["account"])) for row in rows]

    def copies(self, did: Did, kind: DidType) -> tuple[list[Copies], bool]:
        """Where ``did`` is, by RSE; and whether only the first `MAX_DATASETS` datasets below it were looked at."""
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
    """The datasets below a container, at any depth."""
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
