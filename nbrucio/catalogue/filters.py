"""Translates search conditions into Rucio's filters.

`list_dids` of rucio-clients describes the filters: ``key`` or ``key.operation`` to a value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from math import prod

from nbrucio.core.text import printable
from nbrucio.core.units import parse_size
from nbrucio.errors import UsageError

KINDS = ("all", "collection", "dataset", "container", "file")

_OPERATIONS = {"=": "", "==": "", "!=": ".ne", "<": ".lt", "<=": ".lte", ">": ".gt", ">=": ".gte"}
_CONDITION = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*(<=|>=|!=|==|=|<|>)\s*(.+?)\s*\Z", re.DOTALL)
#: ``and`` and ``or`` between conditions, outside quotes: an even number of each quote follows them.
_WORDS = re.compile(r"""\s+(and|or)\s+(?=(?:[^"]*"[^"]*")*[^"]*\Z)(?=(?:[^']*'[^']*')*[^']*\Z)""", re.IGNORECASE)
#: Largest number of alternatives. Each is a separate query of Rucio's database.
MAX_ALTERNATIVES = 32
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


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


def filters_of(pattern: str, conditions: Sequence[str]) -> list[dict[str, str]]:
    """Return Rucio's filters for names that match ``pattern`` and metadata that meets all ``conditions``.

    A condition is ``key=value`` (or another comparison), or several joined by ``and`` and ``or``; ``and`` binds closer.
    Quote a value that contains such a word or has spaces at its ends. ``bytes`` accepts sizes (1 GB).

    Raises:
        UsageError: a condition cannot be parsed, or occurs twice in one alternative.
    """
    alternatives = [_alternatives(condition) for condition in conditions]
    count = prod(len(each) for each in alternatives)
    if count > MAX_ALTERNATIVES:
        raise UsageError(
            f"These conditions have {count:,} alternatives; at most {MAX_ALTERNATIVES} are allowed in one search.",
            hint="Write fewer alternatives, and search several times.",
        )
    return [_filters(pattern, [one for each in choice for one in each]) for choice in product(*alternatives)]


def _alternatives(text: str) -> list[list[str]]:
    """Return the conditions of each alternative."""
    words = _WORDS.split(text)  # even indices: conditions; odd indices: the words between them
    alternatives = [[words[0]]]
    for word, condition in zip(words[1::2], words[2::2], strict=True):
        if word.lower() == "or":
            alternatives.append([condition])
        else:
            alternatives[-1].append(condition)
    return alternatives


def _filters(pattern: str, conditions: Sequence[str]) -> dict[str, str]:
    filters = {"name": pattern}
    for condition in conditions:
        match = _CONDITION.match(condition)
        if match is None:
            raise UsageError(
                f"{printable(condition)} is not a condition.",
                subject=condition,
                hint="Write for example key=value or key>=value.",
            )
        key, operator, value = match.groups()
        full = key + _OPERATIONS[operator]
        if full in filters or key in ("name", "type", "did_type", "scope"):
            raise UsageError(
                f"The condition {printable(condition)} sets {full} a second time.",
                subject=condition,
                hint="Write one condition for each key; name, type and scope have their own options.",
            )
        filters[full] = _value(key, value, condition)
    return filters


def _value(key: str, text: str, condition: str) -> str:
    value = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    if key != "bytes":
        return value
    try:
        return str(parse_size(value))
    except ValueError as error:
        raise UsageError(
            f"The value of {printable(condition)} {error}.",
            subject=condition,
            hint="Correct the value, or quote it: '50 GB'.",
        ) from error
