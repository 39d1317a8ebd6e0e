"""Whole numbers of JSON, where 2 and 2.0 are the same number."""

from __future__ import annotations


def whole_number(value: object) -> int | None:
    """Return ``value`` if JSON Schema calls it an integer; None for anything else, also for true and false."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
