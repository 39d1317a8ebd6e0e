"""Print reports on a terminal: aligned columns, with colour only as an addition to words."""

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
    """Print rows in columns, the last one unpadded."""
    for line in table_lines(rows):
        click.echo(line)


def lock_words(lock: LockEntry | None) -> str:
    """`` (DATASET, 4 files, 8.4 MB)``; empty without a lock."""
    if lock is None:
        return ""
    kind = f"open {lock.type.value}" if lock.open else lock.type.value
    return f" ({kind}, {plural(lock.files, 'file')}, {human_bytes(lock.size_bytes)})"


def print_report(report: SyncReport, indent: str = "") -> None:
    """Print a row for each requirement of each notebook, and the `summary` after ``indent``.

    A notebook without a readable requirement is omitted: "0 of 0 ready" would suggest success.
    """
    shown = [notebook for notebook in report.notebooks if notebook.requirements or not notebook.faults]
    for notebook in shown:
        rows = [requirement.row() for requirement in notebook.requirements]
        for line in notebook_lines(notebook.path, rows, declares_none=not rows):
            click.echo(line)
    if shown:
        click.echo(indent + summary(report))


def summary(report: SyncReport) -> str:
    """Return the last line of a sync: ``3 of 4 ready, 6.3 MB downloaded at 12.4 MB/s``."""
    states = [r.state for notebook in report.notebooks for r in notebook.requirements]
    # Invalid requirements count too, as in the panel.
    words = ready_words(states + ["failed"] * sum(len(notebook.invalid) for notebook in report.notebooks))
    if report.downloaded_files:
        rate = report.downloaded_bytes / max(report.elapsed_s, 0.001)
        words += f", {plural(report.downloaded_files, 'file')} downloaded "
        words += f"({human_bytes(report.downloaded_bytes)} in {report.elapsed_s:.1f} s, {human_bytes(rate)}/s)"
    return words
