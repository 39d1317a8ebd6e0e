"""Search conditions as people type them, to Rucio's filters.

Rucio's filters are described at `list_dids` of rucio-clients: ``key`` or ``key.operation`` to a value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nbrucio.did import printable
from nbrucio.errors import UsageError

KINDS = ("all", "collection", "dataset", "container", "file")

_OPERATIONS = {"=": "", "==": "", "!=": ".ne", "<": ".lt", "<=": ".lte", ">": ".gt", ">=": ".gte"}
_CONDITION = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*(<=|>=|!=|==|=|<|>)\s*(.+?)\s*\Z", re.DOTALL)
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


def check_scope(scope: str) -> str:
    """``scope`` if it is one.

    Raises:
        UsageError: it is none.
    """
    if not _SCOPE.match(scope):
        raise UsageError(
            f"{printable(scope)} is not a scope.",
            subject=scope,
            hint="A search is within one scope, written in full; wildcards are for names.",
        )
    return scope


def check_kind(kind: str) -> str:
    """``kind`` if Rucio knows it.

    Raises:
        UsageError: it does not.
    """
    if kind not in KINDS:
        raise UsageError(f"{printable(kind)} is no kind of DID: one of {', '.join(KINDS)}.", subject=kind)
    return kind


def filters_of(pattern: str, conditions: Sequence[str]) -> list[dict[str, str]]:
    """Rucio's filters for names that match ``pattern`` and metadata that meet all ``conditions``.

    Raises:
        UsageError: a condition cannot be read, or comes twice.
    """
    filters = {"name": pattern}
    for condition in conditions:
        match = _CONDITION.match(condition)
        if match is None:
            raise UsageError(
                f"{printable(condition)} is not a condition.", subject=condition, hint="Write key=value, or key>=value."
            )
        key, operator, value = match.groups()
        full = key + _OPERATIONS[operator]
        if full in filters or key in ("name", "type"):
            raise UsageError(f"The condition on {full} is given twice.", subject=condition)
        filters[full] = value
    return [filters]
