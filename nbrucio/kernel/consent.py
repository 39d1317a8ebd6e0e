"""Waiting for the user's consent to a download, which the panel asks for in the output of the cell that needs it.

The kernel writes the question beside the manifest and shows an output that names it. The browser answers through the
server: first that it shows the question, then perhaps "not now". Consent itself is a sync, which the manifest reports.
A kernel does not wait for a question that nobody shows, and asks none where it runs without a person.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from . import where
from .lookup import Data
from .manifest import Entry, read_regular
from .waiting import POLL_S, wait_for

MIME = "application/vnd.nbrucio.consent+json"
#: How long the browser may take to show the question.
SHOWN_S = 10.0
_CODE = "consent-needed"
_MAX_BYTES = 1 << 16


class Line(Protocol):
    """The line in the cell's output."""

    def __call__(self, text: str) -> None:
        """Replace the line by ``text``."""

    def ask(self, text: str, bundle: Mapping[str, object]) -> None:
        """Replace the line by a question; a front end that does not know ``bundle`` shows ``text``."""


def await_entries(
    data: Data,
    handles: Iterable[str],
    dids: Iterable[str],
    line: Line,
    attended: Callable[[], bool],
    environ: Mapping[str, str] = os.environ,
    *,
    whole: bool = True,
) -> list[Entry]:
    """As `wait_for`; if the data needs consent and a person can be asked, ask, and wait for what follows.

    Args:
        attended: whether a person may be at the front end.
        whole: as in `wait_for`.

    Raises:
        DataNotHere: the manifest is missing and cannot be created.
    """
    handles, dids = tuple(handles), tuple(dids)
    while True:
        entries = wait_for(data, handles, dids, line, environ, whole=whole)
        asked = [entry for entry in entries if needs_consent(entry)]
        in_jupyter = environ.get(where.MANIFEST_VARIABLE) and not environ.get(where.NOTEBOOK_VARIABLE)
        path = data.path()
        if not asked or path is None or not in_jupyter or not attended():
            return entries
        if not _ask(data, path, asked, line):
            return entries


def needs_consent(entry: Entry) -> bool:
    """Whether the download of this entry waits for the user's consent."""
    return entry.state == "failed" and isinstance(entry.error, dict) and entry.error.get("code") == _CODE


def _ask(data: Data, path: Path, asked: list[Entry], line: Line) -> bool:
    """Ask for consent; return whether a sync has changed the state of this data meanwhile."""
    number, handles = uuid.uuid4().hex, [entry.handle for entry in asked]
    question, answer = path.with_suffix(".question"), path.with_suffix(".answer")
    try:
        _write(question, {"id": number, "handles": handles, "pid": os.getpid()})
    except OSError:
        return False
    names = ", ".join(handles[:3]) + (f" and {len(handles) - 3} more" if len(handles) > 3 else "")
    text = f"nbrucio: this cell waits for your consent to download {names}. Answer in the panel Data (Rucio)."
    line.ask(text, {MIME: {"id": number}})
    until = time.monotonic() + SHOWN_S
    try:
        while True:
            reply = _read(answer)
            said = reply.get("answer") if reply.get("id") == number else None
            if said == "declined" or (said is None and time.monotonic() > until):
                line(f"nbrucio: {names} was not downloaded.")
                return False
            time.sleep(POLL_S)
            entries = data.manifest().entries
            if not all(handle in entries and needs_consent(entries[handle]) for handle in handles):
                line("nbrucio: downloading …")
                return True
    except KeyboardInterrupt:
        line(f"nbrucio: {names} was not downloaded.")
        raise
    finally:
        for file in (question, answer):
            if _read(file).get("id") == number:
                file.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(read_regular(path, _MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(path: Path, value: Mapping[str, object]) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:  # noqa: PTH123
        json.dump(value, file)
    scratch.replace(path)
