"""What a cell shows of data: the files of a requirement, and the status of all requirements."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from .errors import DataNotHere, next_action, printable
from .files import Files, readable
from .html import MAX_ROWS, table
from .lookup import Data
from .manifest import LoadedManifest, read_progress, writer_is_gone
from .refusals import command_line


class StatusRow(NamedTuple):
    """One requirement: its state is ``ready``, ``downloading`` or ``missing``, its details are files or the reason."""

    state: str
    handle: str
    did: str
    details: str
    error: DataNotHere | None = None


class Status:
    """The status of a notebook's data, as text and as HTML. Does not wait and does not ask the network."""

    def __init__(self, data: Data) -> None:
        self.rows: list[StatusRow] = []
        try:
            manifest = data.manifest()
            self.rows = _rows(data, manifest)
        except DataNotHere as error:
            self._summary, errors = error.message, [error]
        else:
            ready = sum(row.state == "ready" for row in self.rows)
            self._summary = f"{ready} of {len(self.rows)} ready" if self.rows else "This notebook declares no data."
            errors = [row.error for row in self.rows if row.error is not None]
        self._next = list(dict.fromkeys(line for error in errors for line in next_action(error)))

    def __repr__(self) -> str:
        cells = [tuple(map(printable, row[:4])) for row in self.rows]
        widths = [max(len(row[column]) for row in cells) for column in range(3)] if cells else []
        lines = ["  ".join([*map(str.ljust, row, widths), row[3]]).rstrip() for row in cells]
        return "\n".join([*lines, self._summary, *self._next])

    def _repr_html_(self) -> str:
        return table(("State", "Handle", "DID", "Files"), [row[:4] for row in self.rows], [self._summary, *self._next])


def files_as_html(files: Files) -> str:
    """The table of ``files``: their names and sizes, and how each is obtained."""
    shown, access = files.files[:MAX_ROWS], files.access
    sizes = ["unknown" if file.bytes is None else readable(file.bytes) for file in shown]
    rows = [(file.did.partition(":")[2], sizes[index], access[index]) for index, file in enumerate(shown)]
    more = len(files) - MAX_ROWS
    lines = [f"{files.handle} · {files.did}: {in_words(files)}"]
    return table(("File", "Size", "Access"), rows, [f"and {more} more files", *lines] if more > 0 else lines)


def in_words(files: Files) -> str:
    """Number, size and access of ``files``: ``4 files, 8.4 MB, cached``."""
    ways = Counter(files.access)
    access = next(iter(ways)) if len(ways) == 1 else ", ".join(f"{count} {way}" for way, count in ways.items())
    return ", ".join(filter(None, (*files.amount(), access)))


def _rows(data: Data, manifest: LoadedManifest) -> list[StatusRow]:
    asked = data.asked(manifest.notebook)
    rows = []
    for handle in manifest.entries if asked is None else asked.handles():
        entry = manifest.entries.get(handle)
        if entry is None:
            did, words = asked.did(handle) if asked else "", "not synced yet"
            error = DataNotHere(words, handle, command_line("sync", manifest.notebook))
            rows.append(StatusRow("missing", handle, did, words, error))
        elif entry.state == "syncing" and not writer_is_gone(manifest):
            rows.append(StatusRow("downloading", handle, entry.did, _progress(data)))
        else:
            try:
                rows.append(StatusRow("ready", handle, entry.did, in_words(data.checked(handle))))
            except DataNotHere as error:
                rows.append(StatusRow("missing", handle, entry.did, error.message, error))
    return rows


def _progress(data: Data) -> str:
    path = data.path()
    progress = read_progress(path) if path else None
    if not progress or not progress.get("bytes_total"):
        return ""
    return f"all downloads: {readable(progress['bytes_done'])} of {readable(progress['bytes_total'])}"
