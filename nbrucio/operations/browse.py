"""Requests of the Explore section: searches and contents as they arrive, details, rules, and upload destinations.

Long responses are NDJSON with one JSON array of rows per line, so that the browser shows the first hits while Rucio
still searches. The last line is an object: ``{"end": true}`` or ``{"error": …}``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from nbrucio.catalogue.rucio import Catalogues
from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.core.files import DidFacts, DidSize
from nbrucio.errors import NbrucioError, UsageError
from nbrucio.kernel.command import words_for
from nbrucio.notebook.drop import dropped
from nbrucio.store import Store

if TYPE_CHECKING:
    from nbrucio.catalogue.rucio import RucioCatalogue

T = TypeVar("T")

#: Largest number of rows per line.
BATCH = 500
#: Largest number of names of DIDs without size.
MAX_UNSIZED = 20
#: Largest number of stuck rules of one DID whose reasons are requested, and of files with a reason.
MAX_STUCK, MAX_REASONS = 5, 3
#: Largest number of rules whose DIDs are measured, each by a request.
MAX_MEASURED = 50
BrowseRow = list[object]


@contextmanager
def catalogue_of(instance: str | None, config: Config | None = None) -> Iterator[RucioCatalogue]:
    """Open the catalogue of an instance during the block; None means the default instance.

    Args:
        config: None reads the configuration.

    Raises:
        NbrucioError: the configuration is invalid, or lacks the instance.
    """
    config = config or load()
    catalogues = Catalogues(config)
    try:
        yield catalogues.open(config.instance(instance).name)
    finally:
        catalogues.close()


def find(
    pattern: str, kind: str, filters: Sequence[str], instance: str | None
) -> Iterator[list[BrowseRow] | dict[str, object]]:
    """Yield the DIDs that match, in batches; then those that have no size to compare, when a filter asks for a size.

    See `RucioCatalogue.search` and `RucioCatalogue.unsized`. Without a pattern all names are searched.

    Raises:
        NbrucioError: the request is invalid, or the catalogue cannot answer.
    """
    scope, colon, name = (pattern.strip() or "*:*").partition(":")
    if not colon or not scope:
        raise UsageError("The pattern has no scope.", subject=pattern, hint="Write scope:pattern; * matches anything.")
    with catalogue_of(instance) as catalogue:
        yield from _batches(catalogue.search(scope, name or "*", kind, filters))
        unsized, more = unsized_of(catalogue, scope, name or "*", kind, filters)
        if unsized:
            yield {"unsized": [str(did) for did in unsized], "unsized_cut": more}


def unsized_of(
    catalogue: RucioCatalogue, scope: str, name: str, kind: str, filters: Sequence[str]
) -> tuple[tuple[Did, ...], bool]:
    """Return the first DIDs that a search leaves out because Rucio has no size of them, and whether there are more.

    Raises:
        NbrucioError: the catalogue cannot answer.
    """
    found = list(islice(catalogue.unsized(scope, name, kind, filters), MAX_UNSIZED + 1))
    return tuple(found[:MAX_UNSIZED]), len(found) > MAX_UNSIZED


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
        rules = part("rules", lambda: _rules_on(catalogue, parsed)) or []
        tapes = part("tapes", browser.tapes) or set() if copies else set()
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
                "tape": each.rse in tapes,
                "mounted": any(mount.rse == each.rse for mount in instance_of.mounts),
            }
            for each in copies
        ],
        "replicas_cut": cut,
        "rules": rules,
        "webui": instance_of.webui_of(parsed),
        "path": _path_of(instance_of.identity, parsed),
        "faults": faults,
    }


def rules_on(did: str, instance: str | None) -> dict[str, object]:
    """Return the rules on a DID, of any account, with the reasons of stuck ones.

    Raises:
        NbrucioError: the catalogue cannot answer.
    """
    with catalogue_of(instance) as catalogue:
        return {"rules": _rules_on(catalogue, Did.parse(did))}


def _rules_on(catalogue: RucioCatalogue, did: Did) -> list[dict[str, object]]:
    rows, asked = [], 0
    for rule, account in catalogue.browser().rules(did):
        reasons = [rule.error] if rule.error else []
        if (rule.stuck or rule.state == "STUCK") and asked < MAX_STUCK:
            asked += 1
            files = islice(catalogue.rules().stuck(rule).items(), MAX_REASONS)
            reasons = [f"{file}: {why}" for file, why in files] or reasons
        rows.append({**rule.as_json(), "account": account, "reasons": reasons})
    return rows


def _path_of(instance: str, did: Did) -> str | None:
    config = load()
    found = Store(config.store_path, below=config.shared_stores).where(instance, did)
    return str(found) if found else None


def drop(body: Mapping[str, Any]) -> dict[str, object]:
    """Return the change of a cell into which a DID is dropped, see `nbrucio.notebook.drop`. Places are in characters.

    Raises:
        BadDid: the DID is invalid.
    """
    cell, language = body.get("cell", "code"), body.get("language", "python")
    return dropped(body["source"], body["offset"], Did.parse(body["did"]), cell, language)._asdict()


def places(instance: str | None) -> dict[str, object]:
    """Return upload destinations: the user's own scopes, and all RSEs; and how users run nbrucio in a terminal.

    Raises:
        NbrucioError: the catalogue cannot answer.
    """
    with catalogue_of(instance) as catalogue:
        browser = catalogue.browser()
        found = {"account": browser.account(), "scopes": browser.own_scopes(), "rses": browser.rses()}
    return {**found, "program": words_for("nbrucio")}


def scopes(instance: str | None) -> dict[str, object]:
    """Return the names of all scopes, and which of them are the user's own.

    Raises:
        NbrucioError: the catalogue cannot answer.
    """
    with catalogue_of(instance) as catalogue:
        browser = catalogue.browser()
        return {"own": browser.own_scopes(), "scopes": browser.scopes()}


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
    """Return the user's rules that nbrucio made, with the files and bytes of their DIDs.

    Rucio counts the files of a rule some time after they are added to its dataset.

    Raises:
        NbrucioError: the catalogue cannot answer.
    """
    with catalogue_of(instance) as catalogue:
        ours = catalogue.rules().ours()
        browser = catalogue.browser()
        sizes: dict[Did, DidSize] = {}
        for rule in ours[:MAX_MEASURED]:
            if rule.did not in sizes:
                sizes[rule.did] = browser.size(rule.did)
        unknown = DidSize(None, None)
        rows = ((rule, sizes.get(rule.did, unknown)) for rule in ours)
        return {"rules": [{**rule.as_json(), "files": size.files, "bytes": size.size_bytes} for rule, size in rows]}


def remove_rule(rule_id: str, instance: str | None) -> dict[str, object]:
    """Remove a rule that nbrucio made, and no other.

    Raises:
        NbrucioError: the rule does not exist, nbrucio did not make it, or Rucio refuses.
    """
    with catalogue_of(instance) as catalogue:
        existing = catalogue.rules()
        rule = existing.get(rule_id)
        if not rule.ours:
            raise UsageError("This rule was not made by nbrucio.", subject=rule_id)
        existing.remove(rule)
        return {"removed": rule.as_json()}
