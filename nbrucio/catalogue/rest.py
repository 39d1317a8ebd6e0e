"""The requests of Rucio's REST API that nbrucio sends, as rucio-clients sends them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, urlencode

from nbrucio.core.did import Did
from nbrucio.http import Request

#: Nearest replicas first, which is also today's default of Rucio servers.
SORT = "geoip"


def describe(did: Did) -> Request:
    """Return the request for type, openness and totals of ``did``."""
    return _get("dids", did.scope, did.name)


def measured(did: Did) -> Request:
    """Return the request for `describe` with totals that are counted now, also of an open collection."""
    return _get("dids", did.scope, did.name, dynamic_depth="FILE")


def files(did: Did) -> Request:
    """Return the request for the files of ``did``."""
    return _get("dids", did.scope, did.name, "files")


def contents(did: Did) -> Request:
    """Return the request for the direct content of ``did``."""
    return _get("dids", did.scope, did.name, "dids")


def metadata(did: Did, plugin: str) -> Request:
    """Return the request for the metadata of ``did`` in one plugin, or ``ALL``."""
    return _get("dids", did.scope, did.name, "meta", plugin=plugin)


def search(scope: str, filters: Sequence[Mapping[str, str]], kind: str) -> Request:
    """Return the request for the DIDs in ``scope`` that match ``filters``, with their totals."""
    asked = {"type": kind, "filters": [dict(one) for one in filters], "long": True, "recursive": False}
    return _get("dids", scope, "dids", "search", **asked)


def replicas(dids: Iterable[Did], schemes: Sequence[str], site: str | None, rse: str | None = None) -> Request:
    """Return the request for the available replicas of ``dids``, at the RSEs of the expression ``rse``."""
    flags = dict.fromkeys(("ignore_availability", "all_states", "resolve_archives"), False)
    asked = {**_replicas(dids), **flags, "sort": SORT, "schemes": list(schemes)}
    if site:
        asked["client_location"] = {"site": site}
    if rse:
        asked["rse_expression"] = rse
    return _with_body("POST", asked, "replicas", "list")


def all_replicas(dids: Iterable[Did]) -> Request:
    """Return the request for the replicas of files in all states."""
    flags = dict.fromkeys(("ignore_availability", "all_states", "resolve_archives"), True)
    return _with_body("POST", {**_replicas(dids), **flags}, "replicas", "list")


def dataset_replicas(did: Did) -> Request:
    """Return the request for the replicas of a dataset, counted from those of its files."""
    return _get("replicas", did.scope, did.name, "datasets", deep=True)


def account(name: str) -> Request:
    """Return the request for an account."""
    return _get("accounts", name)


def scopes() -> Request:
    """Return the request for the names of all scopes."""
    return _get("scopes", "")


def scopes_of(account: str) -> Request:
    """Return the request for the names of an account's scopes."""
    return _get("accounts", account, "scopes", "")


def usage_of(account: str) -> Request:
    """Return the request for what an account uses of its quota at each RSE."""
    return _get("accounts", account, "usage", "local")


def rses() -> Request:
    """Return the request for all RSEs."""
    return _get("rses", "")


def rse(name: str) -> Request:
    """Return the request for an RSE with its protocols."""
    return _get("rses", name)


def rules_on(did: Did) -> Request:
    """Return the request for all rules on ``did``."""
    return _get("dids", did.scope, did.name, "rules")


def rules_of(account: str, comment: str) -> Request:
    """Return the request for the rules of an account that have this comment."""
    return _get("rules", "", account=account, comments=comment)


def rule(rule_id: str) -> Request:
    """Return the request for one rule."""
    return _get("rules", rule_id)


def rule_files(rule_id: str) -> Request:
    """Return the request for the files of a rule with the states of their locks."""
    return _get("rules", rule_id, "locks")


def rule_analysis(rule_id: str) -> Request:
    """Return the request for the reasons why a rule is stuck."""
    return _get("rules", rule_id, "analysis")


def make_rule(did: Did, rse: str, lifetime_s: int, comment: str) -> Request:
    """Return the request that makes a rule of the user for one copy."""
    asked = {
        "dids": _dids([did]),
        "copies": 1,
        "rse_expression": rse,
        "lifetime": lifetime_s,
        "comment": comment,
        # Servers want every key.
        **dict.fromkeys(("account", "weight", "source_replica_expression", "activity", "delay_injection", "meta")),
        **dict.fromkeys(("locked", "purge_replicas", "ignore_availability", "ask_approval", "asynchronous"), False),
        "grouping": "DATASET",
        "notify": "N",
        "priority": 3,
    }
    return _with_body("POST", asked, "rules", "")


def renew_rule(rule_id: str, lifetime_s: int) -> Request:
    """Return the request that sets the lifetime of a rule, from now."""
    return _with_body("PUT", {"options": {"lifetime": lifetime_s}}, "rules", rule_id)


def remove_rule(rule_id: str) -> Request:
    """Return the request that removes a rule."""
    return _with_body("DELETE", {"purge_replicas": None}, "rules", rule_id)


def _dids(dids: Iterable[Did]) -> list[dict[str, str]]:
    return [{"scope": did.scope, "name": did.name} for did in dids]


def _replicas(dids: Iterable[Did]) -> dict[str, object]:
    return {"dids": _dids(dids), "domain": None, "resolve_parents": False}


def _path(parts: Iterable[str]) -> str:
    return "".join("/" + quote(part, safe="") for part in parts)


def _get(*parts: str, **query: object) -> Request:
    return Request("GET", _path(parts) + (f"?{urlencode(query)}" if query else ""))


def _with_body(method: str, body: Mapping[str, object], *parts: str) -> Request:
    return Request(method, _path(parts), json.dumps(body).encode())
