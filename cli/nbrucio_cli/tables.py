"""How reports read on a terminal: aligned columns, words before colour, nothing that a pipe would garble."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from nbrucio.lock import LockEntry
from nbrucio.report import RequirementReport, SyncReport
from nbrucio.words import human_bytes, plural

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
        click.echo(str(notebook.path))
        if not notebook.requirements and not notebook.faults:
            click.echo(f"  It declares no data.  next: nbrucio add {notebook.path} SCOPE:NAME")
        print_table(_row(requirement) for requirement in notebook.requirements)


def _row(requirement: RequirementReport) -> tuple[str, ...]:
    target = requirement.target
    return (requirement.state, target.requirement.handle, str(target.requirement.did), _amount(requirement))


def _amount(requirement: RequirementReport) -> str:
    if requirement.target.error is not None:
        return "not resolved"
    files, size = plural(len(requirement.files), "file"), human_bytes(requirement.size_bytes)
    drift = f"; {requirement.target.drift}" if requirement.target.drift else ""
    if requirement.state == "ready":
        return f"{files}, {size}{drift}"
    return f"{len(requirement.here):,} of {files}, {human_bytes(requirement.here_bytes)} of {size}{drift}"


def summary(report: SyncReport) -> str:
    """The last line of a sync: ``3 of 4 ready, 6.3 MB downloaded at 12.4 MB/s``."""
    requirements = [requirement for notebook in report.notebooks for requirement in notebook.requirements]
    ready = sum(1 for requirement in requirements if requirement.state == "ready")
    words = f"{ready} of {len(requirements)} ready"
    if report.downloaded_files:
        rate = report.downloaded_bytes / max(report.elapsed_s, 0.001)
        words += f", {plural(report.downloaded_files, 'file')} downloaded "
        words += f"({human_bytes(report.downloaded_bytes)} in {report.elapsed_s:.1f} s, {human_bytes(rate)}/s)"
    return words
