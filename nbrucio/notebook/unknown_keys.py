"""Keys of a declaration that are not in its JSON Schema, most of them misspelt. They are kept and have no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

import nbrucio_schemas

from nbrucio.core.text import printable
from nbrucio.errors import BadDeclaration

#: A notebook can have any number; so many are reported.
MAX_REPORTED = 100
_MAX_SHOWN_CHARS = 40


def unknown_keys(value: object, *, refused: bool = True) -> tuple[BadDeclaration, ...]:
    """Return an error for each unknown key in ``value``, a notebook's ``nbrucio`` metadata; at most `MAX_REPORTED`.

    Args:
        refused: also report unknown keys for which the declaration's own reader refuses the whole object.
    """
    schema = nbrucio_schemas.load("declaration-1")
    found = _unknown(value, schema, schema, "nbrucio", refused=refused)
    return tuple(islice(found, MAX_REPORTED))


def _unknown(
    value: object, schema: Mapping[str, Any], root: Mapping[str, Any], path: str, *, refused: bool
) -> Iterator[BadDeclaration]:
    """Walk through the objects and lists that ``schema`` describes; values of other types are the reader's errors."""
    if "$ref" in schema:
        yield from _unknown(value, _referenced(root, schema["$ref"]), root, path, refused=refused)
    for branch in schema.get("oneOf", ()):
        yield from _unknown(value, branch, root, path, refused=refused)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from _unknown(item, schema["items"], root, f"{path}[{number}]", refused=refused)
    if not isinstance(value, Mapping):
        return
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for key, item in value.items():
        inner = known.get(key, others)
        if isinstance(inner, Mapping):
            yield from _unknown(item, inner, root, _below(path, key), refused=refused)
        elif known and (refused or inner is not False):
            yield _error(path, key, known)


def _referenced(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    found: Any = root
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    assert isinstance(found, Mapping)
    return found


def _below(path: str, key: str) -> str:
    plain = key.isidentifier() and key.isascii() and len(key) <= _MAX_SHOWN_CHARS
    return f"{path}.{key}" if plain else f"{path}[{printable(key, _MAX_SHOWN_CHARS)}]"


def _error(path: str, key: str, known: Mapping[str, object]) -> BadDeclaration:
    place = _below(path, key)
    close = get_close_matches(key[:_MAX_SHOWN_CHARS].lower(), known, 1)
    hint = f"Did you mean '{close[0]}'?" if close else f"The known keys here are {', '.join(known)}."
    return BadDeclaration(f"The notebook's metadata has an unknown key, {place}.", subject=place, hint=hint)
