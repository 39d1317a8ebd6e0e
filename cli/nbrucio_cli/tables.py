"""How reports read on a terminal: aligned columns, words before colour, nothing that a pipe would garble."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio.words import human_bytes, plural

if TYPE_CHECKING:
    from nbrucio.glance import Glance
    from nbrucio.lock import LockEntry
    from nbrucio.report import SyncReport
    from nbrucio.store.seen import Row

_COLOURS = {"ready": "green", "partial": "yellow", "missing": "yellow", "failed": "red"}


def print_table(rows: Iterable[Sequence[str]]) -> None:
    """Rows in columns, the last one unpadded; a state word in colour where the terminal has any."""
    table = [list(row) for row in rows]
    if not table:
        return
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(padded).rstrip()
        # Painted last: the escapes around a cell would hide the space at its end.
        state = next((cell for cell in row if cell in _COLOURS), None)
        click.echo("  " + (line.replace(state, click.style(state, fg=_COLOURS[state]), 1) if state else line))


def lock_words(lock: LockEntry | None) -> str:
    """`` (DATASET, 4 files, 8.4 MB)``; empty when nothing is known."""
    if lock is None:
        return ""
    kind = f"open {lock.type.value}" if lock.open else lock.type.value
    return f" ({kind}, {plural(lock.files, 'file')}, {human_bytes(lock.size_bytes)})"


def print_report(report: SyncReport) -> None:
    """What each requirement of each notebook came to."""
    for notebook in report.notebooks:
        rows = [requirement.row() for requirement in notebook.requirements]
        print_rows(notebook.path, rows, declares_none=not notebook.requirements and not notebook.faults)


def print_glances(glances: Sequence[Glance]) -> None:
    """The same where a glance was enough."""
    for each in glances:
        print_rows(each.path, each.rows, declares_none=not each.rows)


def print_rows(notebook: Path, rows: Iterable[Row], *, declares_none: bool) -> None:
    """What each requirement of one notebook came to."""
    click.echo(str(notebook))
    if declares_none:
        click.echo(f"  It declares no data.  next: nbrucio add {notebook} SCOPE:NAME")
    print_table((row.state, row.handle, row.did, _amount(row)) for row in rows)


def _amount(row: Row) -> str:
    if row.state == "failed":
        return "not resolved"
    files, size = plural(row.files, "file"), human_bytes(row.size_bytes)
    drift = f"; {row.drift}" if row.drift else ""
    if row.state == "ready":
        return f"{files}, {size}{drift}"
    return f"{row.here_files:,} of {files}, {human_bytes(row.here_bytes)} of {size}{drift}"


def ready_words(states: Sequence[str]) -> str:
    """``3 of 4 ready``."""
    return f"{states.count('ready')} of {len(states)} ready"


def summary(report: SyncReport) -> str:
    """The last line of a sync: ``3 of 4 ready, 6.3 MB downloaded at 12.4 MB/s``."""
    words = ready_words([r.state for notebook in report.notebooks for r in notebook.requirements])
    if report.downloaded_files:
        rate = report.downloaded_bytes / max(report.elapsed_s, 0.001)
        words += f", {plural(report.downloaded_files, 'file')} downloaded "
        words += f"({human_bytes(report.downloaded_bytes)} in {report.elapsed_s:.1f} s, {human_bytes(rate)}/s)"
    return words
