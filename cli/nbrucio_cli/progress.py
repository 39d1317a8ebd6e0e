"""Progress of a sync: a bar on a terminal, plain lines elsewhere, JSON lines for programs.

All of them write to stderr, so that stdout has only the result.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from nbrucio.core.did import Did
from nbrucio.core.events import (
    ApplyStarted,
    BytesArrived,
    Event,
    FileFailed,
    FileFinished,
    FileRetried,
    FileStarted,
    Noticed,
    Planned,
    Reporter,
    ResolveStarted,
    SilentReporter,
    Waiting,
)
from nbrucio.core.text import human_bytes, plural
from nbrucio.errors import NbrucioError

if TYPE_CHECKING:
    from rich.progress import Progress

#: Seconds between two lines where there is no terminal: a CI log should show life and stay short.
PLAIN_INTERVAL_S = 10.0


@contextmanager
def reporting(*, quiet: bool, events: bool, act: str = "Downloading") -> Iterator[Reporter]:
    """Return a reporter: JSON lines, nothing, a bar on a terminal (with rich), else plain lines.

    Args:
        quiet: print nothing.
        events: write each event as one line of JSON.
        act: the verb in the line that starts the transfers.
    """
    if events:
        yield JsonLines()
    elif quiet:
        yield SilentReporter()
    elif sys.stderr.isatty() and find_spec("rich"):
        bar = Bar()
        try:
            yield bar
        finally:
            bar.close()
    else:
        yield PlainLines(act)


class JsonLines:
    """Writes each event as one line of JSON with its kind under ``event``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def report(self, event: Event) -> None:
        """Write one line, except for a plan, which `nbrucio plan --json` prints."""
        if isinstance(event, Planned):
            return
        values = {name: _plain(value) for name, value in event._asdict().items()}
        line = json.dumps({"event": type(event).__name__, **values})
        with self._lock:
            click.echo(line, err=True)


def _plain(value: object) -> object:
    if isinstance(value, Did):
        return str(value)
    return value.as_json() if isinstance(value, NbrucioError) else value


class _Lines:
    """Turns events into lines of text, for the bar and for plain lines."""

    @staticmethod
    def words(event: Event) -> str | None:
        """Return the line for ``event``; None for mere progress."""
        if isinstance(event, ResolveStarted):
            return f"Asking {event.instance} for the files of {event.did}"
        if isinstance(event, Waiting):
            return f"Waiting for another nbrucio that is downloading {event.did}"
        if isinstance(event, Noticed):
            return event.message
        if isinstance(event, FileRetried):
            return f"{event.did} from {event.rse}: {event.error.message} Trying again."
        return None


class PlainLines:
    """Plain lines for logs: start, end, and progress every few seconds."""

    def __init__(self, act: str = "Downloading") -> None:
        self._act = act
        self._lock = threading.Lock()
        self._total = ApplyStarted(0, 0)
        self._files = self._bytes = 0
        self._is_planned = act != "Downloading"  # downloads may start while Rucio is still asked for other files
        self._began = self._last = time.monotonic()

    def report(self, event: Event) -> None:
        """Write a line if the event needs one or the interval has passed."""
        with self._lock:
            line = self._line(event)
            if line is not None:
                click.echo(line, err=True)

    def _line(self, event: Event) -> str | None:
        if isinstance(event, Planned):
            self._is_planned = True
        elif isinstance(event, ApplyStarted):
            if not self._total.files:
                self._began = self._last = time.monotonic()
            self._total = event
            if event.files:
                most = "" if self._is_planned else "up to "
                return f"{self._act} {most}{plural(event.files, 'file')}, {human_bytes(event.size_bytes)}"
        elif isinstance(event, FileStarted):
            self._bytes += event.resumed_bytes
        elif isinstance(event, BytesArrived):
            self._bytes += event.count
            return self._progress()
        elif isinstance(event, FileFinished):
            self._files += 1
            return self._progress(last=self._files == self._total.files)
        return _Lines.words(event)

    def _progress(self, *, last: bool = False) -> str | None:
        now = time.monotonic()
        if not last and now - self._last < PLAIN_INTERVAL_S:
            return None
        self._last = now
        rate = self._bytes / max(now - self._began, 0.001)
        share = f"{human_bytes(self._bytes)} of {human_bytes(self._total.size_bytes)}"
        return f"  {self._files:,} of {plural(self._total.files, 'file')}, {share}, {human_bytes(rate)}/s"


class Bar:
    """One bar for the whole run, in bytes, with the rate and the remaining time."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._files = 0
        self._total = ApplyStarted(0, 0)
        self._lock = threading.Lock()

    def report(self, event: Event) -> None:
        """Move the bar, or write a line above it."""
        if isinstance(event, ApplyStarted):
            self._start(event)
            return
        progress = self._progress
        if progress is None:
            self._print(event)
            return
        task = progress.task_ids[0]
        if isinstance(event, BytesArrived):
            progress.advance(task, event.count)
        elif isinstance(event, FileStarted):
            progress.advance(task, event.resumed_bytes)
        elif isinstance(event, (FileFinished, FileFailed)):
            with self._lock:
                self._files += 1
                progress.update(task, files=f"{self._files:,}/{self._total.files:,}")
        else:
            self._print(event)

    def close(self) -> None:
        """Remove the bar from the terminal."""
        if self._progress is not None:
            self._progress.stop()

    def _start(self, event: ApplyStarted) -> None:
        self._total = event
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], total=event.size_bytes or None)
            return
        if not event.files:
            return
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as Speed

        self._progress = Progress(
            TextColumn("{task.fields[files]} files"),
            BarColumn(),
            DownloadColumn(),
            Speed(),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
        )
        self._progress.add_task("", total=event.size_bytes or None, files=f"0/{event.files:,}")
        self._progress.start()

    def _print(self, event: Event) -> None:
        words = _Lines.words(event)
        if words is None:
            return
        if self._progress is None:
            click.echo(words, err=True)
        else:
            self._progress.console.print(words, markup=False, highlight=False)
