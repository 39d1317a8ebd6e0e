"""Formats constants like Python, within limits. Each function returns None if Python's would fail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter

from .values import MAX_NUMBER, Scalar

_FORMAT_SPEC = re.compile(r"(?:.?[<>=^])?[-+ ]?#?0?\d{0,2}[,_]?(?:\.\d{1,2})?[a-zA-Z%]?\Z")
_PERCENT = re.compile(r"%(?:\(\w+\))?[-0+ #]*\d{0,2}(?:\.\d{1,2})?[sdifxX%]")


def added(parts: Sequence[Scalar]) -> Scalar | None:
    """Return the sum of two texts or of two whole numbers."""
    left, right = parts
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, int) and isinstance(right, int) and abs(left + right) < MAX_NUMBER:
        return left + right
    return None


def formatted(value: Scalar, spec: str) -> str | None:
    """Return ``format(value, spec)``."""
    try:
        return format(value, spec) if _FORMAT_SPEC.match(spec) else None
    except ValueError:
        return None


def percent(text: Scalar, values: tuple[Scalar, ...]) -> str | None:
    """Return ``text % values``."""
    if not isinstance(text, str) or text.count("%") != sum(found.count("%") for found in _PERCENT.findall(text)):
        return None
    try:
        return text % values
    except (TypeError, ValueError, KeyError):
        return None


def str_format(text: Scalar, values: Sequence[Scalar], words: Sequence[str]) -> str | None:
    """Return ``text.format(…)`` of these values, the last of which have the names ``words``."""
    positional = len(values) - len(words)
    named = dict(zip(words, values[positional:]))  # noqa: B905 - Python 3.9 knows no strict
    pieces: list[str] = []
    automatic = 0
    try:
        for literal, name, spec, conversion in Formatter().parse(str(text)):
            pieces.append(literal)
            if name is None:
                continue
            if conversion or (name and not (name.isidentifier() or name.isdecimal())):
                return None
            if name.isidentifier():
                made = formatted(named[name], spec or "")
            else:
                made = formatted(values[:positional][int(name or automatic)], spec or "")
                automatic += 1
            if made is None:
                return None
            pieces.append(made)
    except (ValueError, KeyError, IndexError):
        return None
    return "".join(pieces)
