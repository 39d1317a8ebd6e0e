"""The edit for a DID that is dropped into a cell, so that valid code stays valid. Pure.

Python's own parser decides whether a place takes an expression. Elsewhere the DID becomes a statement, on the next line
that takes one.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from nbrucio.core.did import Did
from nbrucio.notebook.cell_syntax import is_plain_line

#: Longer cells are not parsed: the statement goes to their end.
_MAX_CHARS = 100_000
_CELL_MAGIC = re.compile(r"\s*%%(\w+)[^\n]*")
#: Magics that run the rest of the line, or of the cell, as Python.
_RUN_PYTHON = ("time", "timeit", "prun", "memit", "mprun", "lprun", "capture")
_TIMED = re.compile(rf"(?P<indent>[ \t]*)%(?:{'|'.join(_RUN_PYTHON)})(?P<rest>[ \t].*|)$")
#: What an expression may follow, in code that is not valid yet.
_OPENED = tuple("([{,=+-*/%:<>&|^;")
_PLACE = re.compile(r"[^\s#%!=][^#%!=\n]*=\s*")
#: Strings in which Python reads fields in braces.
_FORMATTED = re.compile(r"[rR]?[fF][rR]?")
#: From Python 3.12 on, a formatted string is several tokens between these.
_FSTRING = (getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "FSTRING_END", -1))


class Insertion(NamedTuple):
    """Replace the characters from ``start`` to ``end`` by ``text``."""

    start: int
    end: int
    text: str

    def into(self, source: str) -> str:
        """Return ``source`` with this change."""
        return source[: self.start] + self.text + source[self.end :]


def dropped(source: str, offset: int, did: Did, cell: str = "code", language: str = "python") -> Insertion:
    """Return the change of a cell at whose ``offset`` the DID was dropped.

    Args:
        cell: ``code``, ``markdown`` or ``raw``.
        language: the language of the kernel.
    """
    offset = max(0, min(offset, len(source)))
    plain = Insertion(offset, offset, str(did))
    if cell != "code":
        quoted = cell == "markdown" and source[:offset].count("`") % 2 == 0
        return plain._replace(text=f"`{did}`" if quoted else str(did))
    if language not in ("python", "ipython"):
        return plain._replace(text=json.dumps(str(did), ensure_ascii=False))
    magic = _CELL_MAGIC.match(source)
    if magic and (offset <= magic.end() or magic[1] not in _RUN_PYTHON):
        return plain
    return _Cell(source, offset, did).insertion()


class _Cell:
    """A cell of Python, and the place of the drop."""

    def __init__(self, source: str, offset: int, did: Did) -> None:
        self._source = source
        self._offset = offset
        self._did = str(did)
        self._code = f"nbrucio.data({json.dumps(self._did, ensure_ascii=False)})"

    def insertion(self) -> Insertion:
        if len(self._source) > _MAX_CHARS:
            return self._at_end()
        return self._in_text() or next(filter(self._parses, self._candidates()), None) or self._by_line()

    def _in_text(self) -> Insertion | None:
        """Return the change inside a comment or a string; None elsewhere."""
        for kind, text, start, end in _tokens(masked(self._source)):
            if kind == tokenize.COMMENT and start < self._offset <= end:
                return self._here(self._did)
            if kind == tokenize.STRING and start < self._offset < end:
                return self._in_string(text, self._offset - start)
        return None

    def _in_string(self, text: str, at: int) -> Insertion | None:
        prefix, quote = re.split(r"(?=['\"])", text, maxsplit=1)[0], text.lstrip("rRbBuUfF")[0]
        if at <= len(prefix):
            return None
        opened = len(prefix) + (3 if text[len(prefix) :].startswith(quote * 3) else 1)
        if at < opened or at > len(text) - (opened - len(prefix)):
            return None  # among the quotes
        before = text[:at].replace("{{", "").replace("}}", "")
        if _FORMATTED.fullmatch(prefix) and before.count("{") > before.count("}"):
            other = "'" if quote == '"' else '"'
            return next(filter(self._parses, [self._here(f"nbrucio.data({other}{self._did}{other})")]), None)
        escaped = self._did if "r" in prefix.lower() else self._did.replace("\\", "\\\\").replace(quote, f"\\{quote}")
        return self._here(escaped)

    def _candidates(self) -> Iterator[Insertion]:
        """Yield the changes to try, the best first."""
        start, end = self._line_of(self._offset)
        line = self._source[start:end]
        if not line.strip():
            yield from (Insertion(start, end, indent + self._code) for indent in self._indents(line, end))
        elif self._source[self._offset :].lstrip(" \t")[:1] not in ("(", "[", "{"):  # it would be called, or indexed
            yield self._expression()
        yield from self._below()
        yield self._at_end()

    def _expression(self) -> Insertion:
        before, after = self._source[: self._offset][-1:], self._source[self._offset :][:1]
        left = " " if before.isalnum() or before in ("_", ")", "]") else ""
        right = " " if after.isalnum() or after == "_" else ""
        return self._here(left + self._code + right)

    def _below(self) -> Iterator[Insertion]:
        """Yield a statement on the line below the one of the drop, which may go over several lines."""
        newlines = (start for kind, _, start, _ in _tokens(masked(self._source)) if kind == tokenize.NEWLINE)
        end = next((start for start in newlines if start >= self._offset), len(self._source))
        end = self._line_of(min(end, len(self._source)))[1]  # after a comment
        line = self._source[slice(*self._line_of(self._offset))]
        yield from (Insertion(end, end, f"\n{indent}{self._code}") for indent in self._indents(line, end))

    def _indents(self, line: str, end: int) -> list[str]:
        """Return the indentations that a statement after ``end`` may have, the most likely first."""
        own = line[: len(line) - len(line.lstrip())]
        rest = next((each for each in self._source[end:].split("\n") if each.strip()), "")
        last = next((each for each in reversed(self._source[:end].split("\n")) if each.strip()), "")
        others = (each[: len(each) - len(each.lstrip())] for each in (rest, last))
        return list(dict.fromkeys([own, *others, f"{own}    ", ""]))

    def _at_end(self) -> Insertion:
        end = len(self._source)
        separator = "" if not self._source or self._source.endswith("\n") else "\n"
        return Insertion(end, end, separator + self._code)

    def _by_line(self) -> Insertion:
        """Return the change of a cell that is not valid Python anyway, judged by the line of the drop alone."""
        start, end = self._line_of(self._offset)
        here = self._expression()
        line = here._replace(start=here.start - start, end=here.end - start).into(self._source[start:end]).strip()
        before = self._source[start : self._offset].rstrip()
        if _is_python(f"{line} pass" if line.endswith(":") else line) or not before or before.endswith(_OPENED):
            return here
        if before.count("'") % 2 or before.count('"') % 2:
            return self._here(self._did)
        return next(self._below())

    def _here(self, text: str) -> Insertion:
        return Insertion(self._offset, self._offset, text)

    def _parses(self, change: Insertion) -> bool:
        return _is_python(masked(change.into(self._source)))

    def _line_of(self, offset: int) -> tuple[int, int]:
        end = self._source.find("\n", offset)
        return self._source.rfind("\n", 0, offset) + 1, len(self._source) if end < 0 else end


def masked(source: str) -> str:
    """Return a cell's text of the same length in which magics and shell lines are numbers with a comment."""
    return "\n".join(map(_masked_line, source.split("\n")))


def _masked_line(line: str) -> str:
    timed = _TIMED.match(line)
    if timed:
        indent, rest = timed["indent"], timed["rest"]
        name = "_" * (len(line) - len(indent) - len(rest))
        return f"{indent}{name};{rest[1:]}" if rest.strip() else f"{indent}{name}{rest}"
    if line.lstrip().startswith("%%"):
        return "#" + line[1:]
    if is_plain_line(line):
        return line
    indent_chars = len(line) - len(line.lstrip())
    target = _PLACE.match(line, indent_chars)
    start = target.end() if target else indent_chars
    return f"{line[:start]}0{'#' if len(line) > start + 1 else ''}{line[start + 2 :]}"


def _tokens(source: str) -> list[tuple[int, str, int, int]]:
    """Return Python's tokens, with their places in ``source``, up to where it cannot be read."""
    starts = [0]
    for line in io.StringIO(source, newline="\n"):
        starts.append(starts[-1] + len(line))
    found: list[tuple[int, str, int, int]] = []
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source, newline="\n").readline):
            (row, column), (last_row, last_column) = token.start, token.end
            start = starts[min(row, len(starts)) - 1] + column
            end = starts[min(last_row, len(starts)) - 1] + last_column
            if token.type == _FSTRING[0]:
                opened.append(start)
            elif token.type == _FSTRING[1]:
                start = opened.pop()
                if not opened:
                    found.append((tokenize.STRING, source[start:end], start, end))
            elif not opened:
                found.append((token.type, token.string, start, end))
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def _is_python(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
