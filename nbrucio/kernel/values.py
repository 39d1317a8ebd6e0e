"""Values of constants in code: texts, numbers, and lists, dicts and classes of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Union

#: A value with more contents than this is unknown.
MAX_CONTENTS = 1000
#: A longer text is unknown. The longest DID has 756 characters.
MAX_TEXT_CHARS = 2000
MAX_NUMBER = 10**18
#: Containers within containers, whose deeper structure is forgotten.
MAX_DEPTH = 4

Scalar = Union[str, int, float]  # noqa: UP007 - evaluated at import, and kernels may run Python 3.9
#: The way to one content: ``(True, key)`` for each dict or class, ``(False, index)`` for each list.
Path = tuple[tuple[bool, Scalar], ...]


class Value(NamedTuple):
    """All possible values of an expression.

    Attributes:
        contents: each text or number with its path. The path is empty unless the value is a container.
        derived: whether the code takes it out of a dict, a class or a loop.
    """

    contents: tuple[tuple[Path, Scalar], ...]
    derived: bool = False

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the contents without their paths."""
        return tuple(scalar for _, scalar in self.contents)

    def texts(self) -> tuple[str, ...] | None:
        """Return the possible texts, or lists of texts, of an argument with this value; None if it may be a number."""
        texts = tuple(scalar for scalar in self.scalars() if isinstance(scalar, str))
        return texts if len(texts) == len(self.contents) else None


def value_of(found: object) -> Value | None:
    """Return the value of an object: a text, a number, or a list or dict of these; None for others."""
    if isinstance(found, bool) or found is None:
        return None
    if isinstance(found, int):
        return Value((((), found),)) if abs(found) < MAX_NUMBER else None
    if isinstance(found, (str, float)):
        return Value((((), found),)) if isinstance(found, float) or len(found) <= MAX_TEXT_CHARS else None
    if isinstance(found, (list, tuple)) and 0 < len(found) <= MAX_CONTENTS:
        return collected([((False, number), value_of(item)) for number, item in enumerate(found)])
    if isinstance(found, dict) and 0 < len(found) <= MAX_CONTENTS:
        pairs = [((True, key), value_of(item)) for key, item in found.items() if isinstance(key, (str, int))]
        return collected(pairs) if len(pairs) == len(found) else None
    return None


def collected(parts: Sequence[tuple[tuple[bool, Scalar], Value | None]]) -> Value | None:
    """Return the value of a container with these parts; None when one is unknown, or they are too many."""
    contents: list[tuple[Path, Scalar]] = []
    derived = False
    for step, value in parts:
        if value is None or len(contents) + len(value.contents) > MAX_CONTENTS:
            return None
        contents += [((step, *path)[:MAX_DEPTH], scalar) for path, scalar in value.contents]
        derived = derived or value.derived
    return Value(tuple(contents), derived)


def either(one: Value | None, other: Value | None) -> Value | None:
    """Return the value that is one of these two; None when either is unknown, or they are too many."""
    if one is None or other is None or len(one.contents) + len(other.contents) > MAX_CONTENTS:
        return None
    return Value(tuple(dict.fromkeys(one.contents + other.contents)), one.derived or other.derived)


def with_item(container: Value | None, key: Value | None, item: Value | None) -> Value | None:
    """Return ``container`` after ``container[key] = item``, or ``container.append(item)`` with the key None."""
    if container is None or item is None:
        return None
    step: tuple[bool, Scalar] = (False, len(container.contents))
    if key is not None:
        if len(key.contents) != 1 or key.contents[0][0]:
            return None
        step = (True, key.contents[0][1])
    added = collected([(step, item)])
    return either(container, added._replace(derived=True) if added else None)


def class_value(fields: Iterable[tuple[str, Value | None]]) -> Value | None:
    """Return the value of a class with these attributes; unknown ones are omitted."""
    return collected([((True, name), value) for name, value in fields if value is not None])


def keys_of(container: Value) -> Value | None:
    """Return the keys of a dict, for a loop over it."""
    keys = dict.fromkeys(path[0][1] for path, _ in container.contents if path and path[0][0])
    return Value(tuple(((), key) for key in keys), True) if keys else None


def inner_of(container: Value) -> Value | None:
    """Return the contents of a container, for a loop over it."""
    inner = tuple((path[1:], scalar) for path, scalar in container.contents if path)
    return Value(inner, True) if inner and len(inner) == len(container.contents) else None


def is_list(value: Value) -> bool:
    """Whether this is the value of a list."""
    return all(path and not path[0][0] for path, _ in value.contents)


def joined_lists(lists: Sequence[Value]) -> Value | None:
    """Return the value of the sum of these lists."""
    items = [(path[1:], scalar) for value in lists for path, scalar in value.contents]
    if len(items) > MAX_CONTENTS:
        return None
    listed = tuple((((False, number), *path), scalar) for number, (path, scalar) in enumerate(items))
    return Value(listed, any(value.derived for value in lists))
