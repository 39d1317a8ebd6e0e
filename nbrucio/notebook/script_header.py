"""The block ``# /// script`` of a Python script (PEP 723), with our key as the TOML table ``[tool.nbrucio]``.

marimo's notebooks have this block, and marimo keeps what it does not know in it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbrucio.errors import BadNotebook
from nbrucio.notebook.base import KEY

_START, _END = "# /// script", "# ///"
_MAX_LINES = 50_000
_MARIMO = re.compile(r"^app = marimo\.App\(", re.MULTILINE)
_OURS = re.compile(rf"\[\[? *tool *\. *['\"]?{KEY}['\"]? *[.\]]")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class ScriptHeader:
    """The block of a script.

    Attributes:
        path: path of the script.
        lines: all lines of the script, with their ends.
        first, last: the block's TOML is ``lines[first:last]``.
    """

    path: Path
    lines: list[str]
    first: int
    last: int

    @classmethod
    def find(cls, text: str, path: Path) -> ScriptHeader | None:
        """Return the block of ``text``; None without one, and for other files than Python's."""
        if path.suffix.lower() != ".py":
            return None
        lines = _lines(text)
        start = next((n for n, line in enumerate(lines) if line.rstrip() == _START), None)
        if start is None:
            return None
        end = None
        for number in range(start + 1, min(len(lines), start + _MAX_LINES)):
            if not re.match(r"#( |\r?\n|$)", lines[number]):
                break
            if lines[number].rstrip() == _END:
                end = number
        return None if end is None else cls(path, lines, start + 1, end)

    @classmethod
    def new(cls, text: str, path: Path) -> ScriptHeader:
        """Return an empty block for a script without one."""
        lines = _lines(text)
        at = next((n for n, line in enumerate(lines) if not re.match(r"#!|#.*coding[:=]", line)), len(lines))
        newline = "\r\n" if lines[:1] and lines[0].endswith("\r\n") else "\n"
        lines[at:at] = [_START + newline, _END + newline, newline]
        return cls(path, lines, at + 1, at + 1)

    def declares(self) -> bool:
        """Whether the block has our key."""
        return any(_OURS.match(line) for line in self._toml())

    def metadata(self) -> dict[str, object]:
        """Return our key as the metadata of a notebook."""
        tool = self._parsed(self._toml()).get("tool")
        value = tool.get(KEY) if isinstance(tool, dict) else None
        # Declarations are JSON, which has no dates.
        return {} if value is None else {KEY: json.loads(json.dumps(value, default=str))}

    def with_value(self, value: Mapping[str, Any] | None) -> str:
        """Return the whole text with our key set to ``value``, without nulls, which TOML lacks; None removes it.

        Raises:
            BadNotebook: the lines of our key cannot be distinguished.
        """
        before = self._parsed(self._toml())
        tool = {key: kept for key, kept in before.get("tool", {}).items() if key != KEY}
        plain = None if value is None else _without_nulls(value)
        wanted = {**before, "tool": tool if plain is None else {**tool, KEY: plain}}
        new = self._replaced([] if plain is None else list(_table(plain)))
        if KEY in self._parsed(self._replaced([])).get("tool", {}) or {"tool": {}, **self._parsed(new)} != wanted:
            raise BadNotebook(
                f"The block '{_START}' of {self.path} has '{KEY}' in a form that is not rewritten.",
                subject=str(self.path),
                hint=f"Write it as tables: [tool.{KEY}].",
            )
        newline = "\r\n" if self.lines[self.first - 1].endswith("\r\n") else "\n"
        written = [f"# {line}".rstrip() + newline for line in new]
        return "".join([*self.lines[: self.first], *written, *self.lines[self.last :]])

    def _toml(self) -> list[str]:
        return [line[2:].rstrip("\r\n") for line in self.lines[self.first : self.last]]

    def _parsed(self, lines: list[str]) -> dict[str, Any]:
        if sys.version_info >= (3, 11):
            import tomllib
        else:
            import tomli as tomllib
        try:
            parsed: dict[str, Any] = tomllib.loads("\n".join(lines))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise BadNotebook(
                f"The block '{_START}' of {self.path} is not valid TOML: {error}.",
                subject=str(self.path),
                hint="Correct the block.",
            ) from error
        return parsed

    def _replaced(self, table: list[str]) -> list[str]:
        """Return the TOML with our tables replaced by ``table``, or with ``table`` at its end."""
        kept: list[str] = []
        at, ours = None, False
        for line in self._toml():
            if line.startswith("["):
                ours = _OURS.match(line) is not None
                at = len(kept) if ours and at is None else at
            if not ours:
                kept.append(line)
        while at is not None and at > 0 and not kept[at - 1].strip():
            del kept[at - 1]
            at -= 1
        place = len(kept) if at is None else at
        before = [""] if table and place else []
        after = [""] if kept[place:] and kept[place].strip() else []
        return [*kept[:place], *before, *table, *after, *kept[place:]]


def is_marimo(text: str, path: Path) -> bool:
    """Whether ``text`` is a notebook of marimo, which has no other place for metadata than the block."""
    return path.suffix.lower() == ".py" and _MARIMO.search(text) is not None


def _lines(text: str) -> list[str]:
    return re.findall(
        r"[^\n]*\n|[^\n]+", text
    )  # str.splitlines also ends lines at characters that TOML allows in texts


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _table(value: Mapping[str, Any]) -> Iterator[str]:
    """The lines of our table: short values first, then a table for each object, such as the locks."""
    yield f"[tool.{KEY}]"
    objects = {key: inner for key, inner in value.items() if isinstance(inner, Mapping)}
    for key, inner in value.items():
        if key in objects:
            continue
        if isinstance(inner, list) and inner:
            yield f"{_key(key)} = ["
            yield from (f"  {_toml(each)}," for each in inner)
            yield "]"
        else:
            yield f"{_key(key)} = {_toml(inner)}"
    for key, inner in objects.items():
        yield ""
        yield f"[tool.{KEY}.{_key(key)}]"
        yield from (f"{_key(name)} = {_toml(each)}" for name, each in inner.items())


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _toml(key)


def _toml(value: Any) -> str:  # noqa: ANN401 - JSON without null
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # A text in JSON is one in TOML, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
