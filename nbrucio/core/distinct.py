"""Named tuples that equal only their own kind. Tuples of different classes are equal when their fields are."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T", bound=type)


def distinct(kind: T) -> T:
    """Make the values of a named tuple equal only to values of the same class, not to other tuples."""

    def equal(self: tuple[object, ...], other: object) -> bool:
        return type(self) is type(other) and tuple.__eq__(self, other)

    def differs(self: tuple[object, ...], other: object) -> bool:
        return not equal(self, other)

    kind.__eq__ = equal  # type: ignore[method-assign, assignment]
    kind.__ne__ = differs  # type: ignore[method-assign, assignment]
    return kind
