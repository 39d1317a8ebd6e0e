"""Cell outputs for the status of all requirements."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

from .asked import Asked
from .errors import DataNotHere, next_action, printable
from .files import Files, readable
from .html import table
from .manifest import LoadedManifest, read_progress, writer_is_gone
from .refusals import command_line


class StatusSource(Protocol):
    """The source of a status; `nbrucio.kernel.lookup.Data` is one."""

    def manifest(self) -> LoadedManifest: ...
    def asked(self, notebook: str) -> Asked | None: ...
    def path(self) -> Path | None: ...
    def checked(self, handle: str) -> Files: ...


class StatusRow(NamedTuple):
    """One requirement: its state is ``ready``, ``downloading`` or ``missing``, its details are files or the reason."""

    state: str
    handle: str
    did: str
    details: str
    error: DataNotHere | None = None


class Status:
    """The status of a notebook's data, as text and as HTML. Does not wait and does not use the network."""

    def __init__(self, data: StatusSource) -> None:
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


def _rows(data: StatusSource, manifest: LoadedManifest) -> list[StatusRow]:
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
                rows.append(StatusRow("ready", handle, entry.did, data.checked(handle).in_words()))
            except DataNotHere as error:
                rows.append(StatusRow("missing", handle, entry.did, error.message, error))
    return rows


def _progress(data: StatusSource) -> str:
    path = data.path()
    progress = read_progress(path) if path else None
    if not progress or not progress.get("bytes_total"):
        return ""
    return f"all downloads: {readable(progress['bytes_done'])} of {readable(progress['bytes_total'])}"
