"""Translates search conditions into Rucio's filters.

`list_dids` of rucio-clients describes the filters: ``key`` or ``key.operation`` to a value. Rucio compares a value that
has not the type of its column without an error and finds nothing, so values of known columns are checked here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType

from nbrucio.catalogue.conditions import Alternatives, Condition, both, parse
from nbrucio.core.text import printable
from nbrucio.core.units import parse_size
from nbrucio.errors import BadCondition, UsageError

KINDS = ("all", "collection", "dataset", "container", "file")
#: Keys with which Rucio has no value for open datasets and for containers.
SIZES = frozenset({"bytes", "length"})
#: Rucio's columns that can be searched, by the type of their values.
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "bytes": "size",
        **dict.fromkeys(("length", "events", "run_number", "task_id", "panda_id", "lumiblocknr"), "number"),
        **dict.fromkeys(("created_at", "created_after", "created_before"), "time"),
        **dict.fromkeys(("accessed_at", "closed_at", "deleted_at", "eol_at", "expired_at"), "time"),
        **dict.fromkeys(("constituent", "hidden", "is_archive", "is_new", "purge_replicas", "transient"), "truth"),
        **dict.fromkeys(("adler32", "campaign", "datatype", "guid", "md5", "phys_group", "prod_step"), "text"),
        **dict.fromkeys(("project", "provenance", "stream_name", "version"), "text"),
    }
)
#: Chosen in other ways than by a condition.
_OWN_OPTIONS = {"name": "the pattern", "scope": "the pattern", "type": "--type", "did_type": "--type"}
_NEVER = frozenset(
    {"account", "availability", "complete", "is_open", "monotonic", "obsolete", "suppressed", "updated_at"}
)
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_GUID = re.compile(r"[0-9A-Fa-f]{32}\Z")
#: The form of times in Rucio's filters.
_RUCIO_TIME = "%Y-%m-%dT%H:%M:%S"
_TIMES = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", _RUCIO_TIME, "%Y-%m-%dT%H:%M:%SZ")

Filters = list[dict[str, str]]


def check_scope(scope: str) -> str:
    """Return ``scope`` if it is a valid scope name.

    Raises:
        UsageError: it is not.
    """
    if not _SCOPE.match(scope):
        raise UsageError(
            f"{printable(scope)} is not a scope.",
            subject=scope,
            hint="A scope consists of letters, digits, '.', '-' and '_', and begins with a letter or digit.",
        )
    return scope


def check_kind(kind: str) -> str:
    """Return ``kind`` if it is one of `KINDS`.

    Raises:
        UsageError: it is not.
    """
    if kind not in KINDS:
        raise UsageError(
            f"{printable(kind)} is not a kind of DID.", subject=kind, hint=f"Choose one of: {', '.join(KINDS)}."
        )
    return kind


def conditions_of(texts: Sequence[str]) -> Alternatives:
    """Return the alternatives of a search that meets the conditions in all ``texts``.

    Raises:
        BadCondition: a text cannot be parsed, or they have too many alternatives.
    """
    found: Alternatives = [[]]
    for text in texts:
        found = both(found, parse(text), text)
    return found


def filters_of(pattern: str, alternatives: Alternatives) -> Filters:
    """Return Rucio's filters for names that match ``pattern`` and metadata that meets one of ``alternatives``.

    Raises:
        BadCondition: a value does not fit its key, or a condition is there twice.
    """
    return [_filters(pattern, alternative) for alternative in alternatives]


def unsized_filters(pattern: str, alternatives: Alternatives) -> Filters:
    """Return the filters for DIDs without size or number of files that meet the other conditions.

    Empty when no condition is about these.
    """
    return [
        _filters(pattern, [each for each in alternative if each.key not in SIZES]) | {"bytes": "None"}
        for alternative in alternatives
        if any(each.key in SIZES for each in alternative)
    ]


def unknown_key(alternatives: Alternatives, instance: str) -> BadCondition | None:
    """Return an error for the first key that is not a column of Rucio's; None when all are."""
    conditions: Iterable[Condition] = (each for alternative in alternatives for each in alternative)
    return next(
        (
            each.fault(
                f"{instance} cannot search by {printable(each.key)}, or not together with the other keys.",
                hint=f"It can search by: {', '.join(sorted(_COLUMNS))}.",
            )
            for each in conditions
            if each.key not in _COLUMNS
        ),
        None,
    )


def _filters(pattern: str, conditions: Sequence[Condition]) -> dict[str, str]:
    filters = {"name": pattern}
    for each in conditions:
        full = _checked_key(each) + each.suffix
        if full in filters:
            raise each.fault(
                f"The condition on {printable(each.key)} is there a second time.",
                hint="Rucio takes one value for each comparison of a key: remove one of them, or join them by or.",
            )
        filters[full] = _value(each)
    return filters


def _checked_key(each: Condition) -> str:
    if each.key in _OWN_OPTIONS:
        raise each.fault(
            f"{printable(each.key)} is not a metadata key.",
            hint=f"It is chosen by {_OWN_OPTIONS[each.key]} of the search.",
        )
    if each.key in _NEVER:
        raise each.fault(
            f"Rucio cannot search by {printable(each.key)}.", hint=f"It can search by: {', '.join(sorted(_COLUMNS))}."
        )
    if each.key in ("created_after", "created_before") and each.suffix:
        raise each.fault(f"{printable(each.key)} takes = only.", hint="Write for example created_at >= 2026-01-31.")
    return each.key


def _value(each: Condition) -> str:
    if not each.quoted and re.search(r"[\[\]{}]", each.value):
        raise each.fault("A value with brackets needs quotes.", hint=f"Write '{each.value}'.", of_value=True)
    if any(mark in each.value for mark in "*%") and each.suffix not in ("", ".ne"):
        raise each.fault(
            "Rucio compares patterns by = and != only.",
            hint="Write a value without * and %, or = or !=.",
            of_value=True,
        )
    kind = _COLUMNS.get(each.key, "free")
    try:
        return _CONVERSIONS[kind](each)
    except ValueError as error:
        raise each.fault(f"The value of '{each.key}' {error}.", hint="Correct the value.", of_value=True) from error


def _size(each: Condition) -> str:
    return str(parse_size(each.value))


def _number(each: Condition) -> str:
    if not each.value.isascii() or not each.value.isdecimal() or len(each.value) > 18:
        raise ValueError("must be a whole number such as 3")
    return str(int(each.value))


def _time(each: Condition) -> str:
    for form in _TIMES:
        try:
            return datetime.strptime(each.value, form).replace(tzinfo=timezone.utc).strftime(_RUCIO_TIME)
        except ValueError:
            continue
    raise ValueError("must be a day or time in UTC such as 2026-01-31 or '2026-01-31 13:00:00'")


def _truth(each: Condition) -> str:
    word = {"true": "True", "1": "True", "false": "False", "0": "False"}.get(each.value.lower())
    if word is None:
        raise ValueError("must be true or false")
    return word


def _text(each: Condition) -> str:
    if each.key == "guid" and not _GUID.match(each.value.replace("-", "")):
        raise ValueError("must have 32 hex digits")
    return _as_text(each.value)


def _free(each: Condition) -> str:
    return _as_text(each.value) if each.quoted else each.value


def _as_text(value: str) -> str:
    """Return ``value`` so that Rucio's server reads it as a text, also ``'1'`` and ``'[1]'``.

    The server evaluates a value as a Python literal unless it has one of ``+-*/``.
    """
    if any(mark in value for mark in "+-*/"):
        return value
    try:
        ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
    return repr(value)


_CONVERSIONS = {"size": _size, "number": _number, "time": _time, "truth": _truth, "text": _text, "free": _free}
