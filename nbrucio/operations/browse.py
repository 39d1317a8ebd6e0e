"""Requests of the Explore section: searches and contents as they arrive, details, rules, and upload destinations.

Long responses are NDJSON with one JSON array of rows per line, so that the browser shows the first hits while Rucio
still searches. The last line is an object: ``{"end": true}`` or ``{"error": …}``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from nbrucio.catalogue.rucio import Catalogues
from nbrucio.config import load
from nbrucio.core.did import Did
from nbrucio.core.files import DidFacts
from nbrucio.errors import NbrucioError, UsageError
from nbrucio.store import Store

if TYPE_CHECKING:
    from nbrucio.catalogue.rucio import RucioCatalogue

T = TypeVar("T")

#: Largest number of rows per line.
BATCH = 500
BrowseRow = list[object]


@contextmanager
def catalogue_of(instance: str | None) -> Iterator[RucioCatalogue]:
    """Open the catalogue of an instance during the block; None means the default instance.

    Raises:
        NbrucioError: the configuration is invalid, or lacks the instance.
    """
    config = load()
    catalogues = Catalogues(config)
    try:
        yield catalogues.open(config.instance(instance).name)
    finally:
        catalogues.close()


def find(pattern: str, kind: str, filters: Sequence[str], instance: str | None) -> Iterator[list[BrowseRow]]:
    """Yield the DIDs that match, in batches; see `RucioCatalogue.search`.

    Raises:
        NbrucioError: the request is invalid, or the catalogue cannot answer.
    """
    scope, colon, name = pattern.strip().partition(":")
    if not colon or not scope:
        raise UsageError("The pattern has no scope.", subject=pattern, hint="Write scope:pattern; * matches anything.")
    with catalogue_of(instance) as catalogue:
        yield from _batches(catalogue.search(scope, name or "*", kind, filters))


def contents(did: str, instance: str | None) -> Iterator[list[BrowseRow]]:
    """Yield the direct content of a dataset or container, in batches.

    Raises:
        NbrucioError: the request is invalid, or the catalogue cannot answer.
    """
    parsed = Did.parse(did)
    with catalogue_of(instance) as catalogue:
        yield from _batches(catalogue.browser().contents(parsed))


def _batches(facts: Iterable[DidFacts]) -> Iterator[list[BrowseRow]]:
    # Send a small first batch, because the user waits for it.
    rows: list[BrowseRow] = []
    size = 20
    for one in facts:
        rows.append([str(one.did), one.type.value, one.size_bytes, one.files, one.open])
        if len(rows) >= size:
            yield rows
            rows, size = [], BATCH
    if rows:
        yield rows


def details(did: str, instance: str | None) -> dict[str, object]:
    """Return Rucio's information about one DID. The error of a missing part is under ``faults``.

    Raises:
        NbrucioError: the request is invalid, or the DID does not exist.
    """
    parsed = Did.parse(did)
    with catalogue_of(instance) as catalogue:
        facts = catalogue.describe(parsed)
        browser = catalogue.browser()
        faults: dict[str, object] = {}

        def part(name: str, ask: Callable[[], T]) -> T | None:
            try:
                return ask()
            except NbrucioError as error:
                faults[name] = error.as_json()
                return None

        metadata = part("metadata", lambda: browser.metadata(parsed)) or {}
        copies, cut = part("replicas", lambda: browser.copies(parsed, facts.type)) or ([], False)
        rules = part("rules", lambda: browser.rules(parsed)) or []
        instance_of = catalogue.instance
    return {
        "did": str(parsed),
        "type": facts.type.value,
        "open": facts.open,
        "bytes": facts.size_bytes,
        "files": facts.files,
        "metadata": metadata,
        "replicas": [
            {
                "rse": each.rse,
                "files": each.files,
                "files_total": each.files_total,
                "bytes": each.size_bytes,
                "states": each.states,
            }
            for each in copies
        ],
        "replicas_cut": cut,
        "rules": [{**rule.as_json(), "account": account} for rule, account in rules],
        "webui": instance_of.webui_of(parsed),
        "path": _path_of(instance_of.identity, parsed),
        "faults": faults,
    }


def _path_of(instance: str, did: Did) -> str | None:
    found = Store(load().store_path).where(instance, did)
    return str(found) if found else None


def places(instance: str | None) -> dict[str, object]:
    """Return upload destinations: the user's own scopes, and all RSEs.

    Raises:
        NbrucioError: the catalogue cannot answer.
    """
    with catalogue_of(instance) as catalogue:
        browser = catalogue.browser()
        return {"account": browser.account(), "scopes": browser.own_scopes(), "rses": browser.rses()}


def login(instance: str | None) -> dict[str, object]:
    """Ask the server whether the login works; the error of a failed login is in the result.

    Raises:
        NbrucioError: the instance does not exist.
    """
    with catalogue_of(instance) as catalogue:
        name = catalogue.instance.name
        try:
            return {"instance": name, "account": catalogue.browser().account(), "error": None}
        except NbrucioError as error:
            return {"instance": name, "account": None, "error": error.as_json()}


def rules(instance: str | None) -> dict[str, object]:
    """Return the user's rules that nbrucio made.

    Raises:
        NbrucioError: the catalogue cannot answer.
    """
    with catalogue_of(instance) as catalogue:
        return {"rules": [rule.as_json() for rule in catalogue.rules().ours()]}


def remove_rule(rule_id: object, instance: str | None) -> dict[str, object]:
    """Remove a rule that nbrucio made, and no other.

    Raises:
        NbrucioError: the rule does not exist, nbrucio did not make it, or Rucio refuses.
    """
    if not isinstance(rule_id, str) or not rule_id.isalnum():
        raise UsageError("The request does not name a rule.", hint="Give its id as 'id'.")
    with catalogue_of(instance) as catalogue:
        existing = catalogue.rules()
        rule = existing.get(rule_id)
        if not rule.ours:
            raise UsageError("This rule was not made by nbrucio.", subject=rule_id)
        existing.remove(rule)
        return {"removed": rule.as_json()}
