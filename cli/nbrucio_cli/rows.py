"""The lines that `sync` and `status` print for a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio.core.text import human_bytes, plural, unverified_words
from nbrucio.kernel.errors import printable
from nbrucio.kernel.quoting import quoted_path
from nbrucio_cli.error_text import next_step

if TYPE_CHECKING:
    from nbrucio.core.totals import RequirementTotals
    from nbrucio.pipeline.cached_status import CachedStatus

#: Colours of the state words, by click's names.
_COLOURS = {"ready": "green", "partial": "yellow", "missing": "yellow", "changed": "yellow", "failed": "red"}


def quoted(*names: object) -> str:
    """Quote ``names`` for a shell, for commands to copy."""
    return " ".join(quoted_path(str(name)) for name in names)


def table_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Return rows in columns, the last one unpadded, with coloured states."""
    table = [list(row) for row in rows]
    if not table:
        return
    in_colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(padded).rstrip()
        # Colour last: ``rstrip`` removes no spaces before an escape sequence.
        state = next((cell for cell in row if cell in _COLOURS), None)
        if state and in_colour:
            line = line.replace(state, click.style(state, fg=_COLOURS[state]), 1)
        yield f"  {line}"


def no_data(notebook: Path) -> str:
    """Return the words for a notebook without data."""
    return f"No data is declared. {next_step(f'nbrucio add {quoted(notebook)} SCOPE:NAME')}"


def notebook_lines(notebook: Path, rows: Iterable[RequirementTotals], *, declares_none: bool) -> Iterator[str]:
    """Return the name of one notebook and a row for each requirement."""
    yield printable(str(notebook))
    if declares_none:
        yield f"  {no_data(notebook)}"
    yield from table_lines((_state(row), row.handle, row.did, _amount(row)) for row in rows)


def cached_lines(cached: Sequence[CachedStatus], verb: str) -> Iterator[str]:
    """Return the output of the ``verb`` ``sync`` or ``status`` when the status cache is sufficient."""
    for each in cached:
        yield from notebook_lines(each.path, each.rows, declares_none=not each.rows)
    yield ready_words([row.state for each in cached for row in each.rows])
    if verb == "status":
        yield from next_lines([each.path for each in cached if each.unready])


def next_lines(unready: Sequence[Path]) -> Iterator[str]:
    """Return the next command if data is missing."""
    if unready:
        yield next_step(f"nbrucio sync {quoted(*unready[:3])}")


def ready_words(states: Sequence[str]) -> str:
    """``3 of 4 ready``."""
    return f"{states.count('ready')} of {len(states)} ready"


def _state(row: RequirementTotals) -> str:
    """Return the state as a word; "changed" if ``--locked`` was given and lock and Rucio differ."""
    return "changed" if row.state == "failed" and row.drift else row.state


def _amount(row: RequirementTotals) -> str:
    if row.state == "failed":
        return row.drift or "not resolved"
    files, size = plural(row.files, "file"), human_bytes(row.size_bytes)
    drift = f"; {row.drift}" if row.drift else ""
    rest = unverified_words(row.unverified_files) + drift
    if row.state == "ready":
        return f"{files}, {size}{rest}"
    reread = f"; {row.reread_files:,} to read again ({human_bytes(row.reread_bytes)})" if row.reread_files else ""
    return f"{row.here_files:,} of {files}, {human_bytes(row.here_bytes)} of {size}{reread}{rest}"
