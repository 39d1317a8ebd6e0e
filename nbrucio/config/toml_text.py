"""Values as TOML: what `nbrucio config show` prints, and what is appended to the user's file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def toml_key(name: str) -> str:
    """Return one part of a key, quoted where it must be."""
    return name if _BARE.match(name) else toml_value(name)


def toml_value(value: object) -> str:
    """Return a text, number, truth value, list or table on one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_key(str(name))} = {toml_value(each)}" for name, each in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    # JSON's strings and numbers are TOML's, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_table(header: str, settings: Mapping[str, object]) -> str:
    """Return a table with its header; lists of tables become arrays of tables after it."""
    rows = {name: value for name, value in settings.items() if _is_rows(value)}
    lines = [f"[{header}]", *_assignments((name, settings[name]) for name in settings if name not in rows)]
    for name, value in rows.items():
        assert isinstance(value, (list, tuple))
        for row in value:
            lines += ["", f"[[{header}.{toml_key(name)}]]", *_assignments(row.items())]
    return "\n".join(lines) + "\n"


def _assignments(settings: Iterable[tuple[str, object]]) -> list[str]:
    return [f"{toml_key(name)} = {toml_value(value)}" for name, value in settings]


def _is_rows(value: object) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(row, Mapping) for row in value)
