"""A table in HTML for cell outputs. Every text in it is escaped, and nothing in it runs or loads anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from .errors import printable

#: Of a list of files: outputs are saved with the notebook.
MAX_ROWS = 20
_LEFT = ' style="text-align:left"'


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], lines: Iterable[str]) -> str:
    """Return a table with these lines of text below it; without rows the lines only."""
    head = _row("th", columns)
    body = "".join(_row("td", row) for row in rows)
    below = "".join(f"<div>{_text(line)}</div>" for line in lines)
    return (f"<table><thead>{head}</thead><tbody>{body}</tbody></table>" if rows else "") + below


def _row(tag: str, texts: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}{_LEFT}>{_text(text)}</{tag}>" for text in texts) + "</tr>"


def _text(value: str) -> str:
    return escape(printable(value))
