"""The line of each setting in a configuration file, for messages: parsers of TOML and INI do not give it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PART = re.compile(r"""[ \t]*("(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_START = re.compile(r"[ \t]*(\[\[?)?")
#: Pieces of a value: strings and comments as a whole, brackets, ends of lines, and the rest.
_PIECE = re.compile(
    r'''"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|[\[{]|[\]}]|\n|[^"'\#\[\]{}\n]+|.''',
    re.DOTALL,
)


def toml_line(text: str, key: str) -> int | None:
    """Return the number of the line of ``key`` in a TOML text; None if it is not there.

    Args:
        key: dotted, with the index of a row: ``instances.cms.mounts[0].rse``. A key inside a value that is a table or
            an array is at the line where that value begins.
    """
    lines = dict(_toml_keys(text))
    while key and key not in lines:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return lines.get(key)


def _toml_keys(text: str) -> Iterator[tuple[str, int]]:
    """Yield the keys and headers of a TOML text, each with its line."""
    prefix, at, line = "", 0, 1
    counted: dict[str, int] = {}
    while at < len(text):
        start = _START.match(text, at)
        assert start is not None  # it matches nothing, too
        name, end = _dotted(text, start.end())
        if name and start[1]:
            index = counted[name] = counted.get(name, -1) + 1
            prefix = f"{name}[{index}]" if start[1] == "[[" else name
            yield prefix, line
            if index == 0:
                yield name, line
        elif name:
            yield f"{prefix}.{name}" if prefix else name, line
        following = _end_of_value(text, end)
        line += text.count("\n", at, following)
        at = following


def _dotted(text: str, at: int) -> tuple[str, int]:
    """Return the dotted key at ``at`` without quotes, and where it ends; an empty one for no key."""
    parts: list[str] = []
    while match := _PART.match(text, at):
        parts.append(match[1].strip("\"'"))
        at = match.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return ".".join(parts), at


def _end_of_value(text: str, at: int) -> int:
    """Return the beginning of the line after the value that begins at or after ``at``."""
    depth = 0
    for piece in _PIECE.finditer(text, at):
        depth += (piece[0] in ("[", "{")) - (piece[0] in ("]", "}"))
        if piece[0] == "\n" and depth <= 0:
            return piece.end()
    return len(text)


def ini_line(text: str, section: str, option: str) -> int | None:
    """Return the number of the line of ``option`` in ``section`` of an INI text; None if it is not there."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\[([^]]*)\]", line)
        current = header[1] if header else current
        if current == section and re.match(rf"{re.escape(option)}\s*[=:]", line, re.IGNORECASE):
            return number
    return None
