"""How reports read on a terminal: aligned columns, words before colour, nothing that a pipe would garble."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from nbrucio.core.text import human_bytes, plural
from nbrucio_cli.rows import notebook_lines, ready_words, table_lines

if TYPE_CHECKING:
    from nbrucio.core.lockentry import LockEntry
    from nbrucio.core.report import SyncReport


def print_table(rows: Iterable[Sequence[str]]) -> None:
    """Rows in columns, the last one unpadded; a state word in colour where the terminal has any."""
    for line in table_lines(rows):
        click.echo(line)


def lock_words(lock: LockEntry | None) -> str:
    """`` (DATASET, 4 files, 8.4 MB)``; empty when nothing is known."""
    if lock is None:
        return ""
    kind = f"open {lock.type.value}" if lock.open else lock.type.value
    return f" ({kind}, {plural(lock.files, 'file')}, {human_bytes(lock.size_bytes)})"


def print_report(report: SyncReport, indent: str = "") -> None:
    """What each requirement of each notebook came to, and the `summary`, after ``indent``.

    Of a notebook that could not be read, or of which nothing was understood, only its errors tell: "0 of 0 ready" would
    read as if all were well.
    """
    told = [notebook for notebook in report.notebooks if notebook.requirements or not notebook.faults]
    for notebook in told:
        rows = [requirement.row() for requirement in notebook.requirements]
        for line in notebook_lines(notebook.path, rows, declares_none=not rows):
            click.echo(line)
    if told:
        click.echo(indent + summary(report))


def summary(report: SyncReport) -> str:
    """The last line of a sync: ``3 of 4 ready, 6.3 MB downloaded at 12.4 MB/s``."""
    states = [r.state for notebook in report.notebooks for r in notebook.requirements]
    # The panel, too, counts what is written and cannot be understood.
    words = ready_words(states + ["failed"] * sum(notebook.unusable for notebook in report.notebooks))
    if report.downloaded_files:
        rate = report.downloaded_bytes / max(report.elapsed_s, 0.001)
        words += f", {plural(report.downloaded_files, 'file')} downloaded "
        words += f"({human_bytes(report.downloaded_bytes)} in {report.elapsed_s:.1f} s, {human_bytes(rate)}/s)"
    return words
