"""`DataNotHere` errors for missing data, with the command that helps."""

from __future__ import annotations

import os
import re
import shlex
from typing import Any

from .command import quoted_path
from .errors import DataNotHere
from .manifest import Entry, LoadedManifest, writer_is_gone


def not_ready(entry: Entry, manifest: LoadedManifest) -> DataNotHere:
    """Return the error for an entry that is not ready."""
    what = f"{entry.handle!r} ({entry.did})"
    sync = command_line("sync", manifest.notebook)
    if entry.state == "syncing":
        if writer_is_gone(manifest):
            return DataNotHere(f"{what} is missing: the sync was stopped before its end.", entry.handle, sync)
        return DataNotHere(f"{what} is still being downloaded. Run this cell again in a moment.", entry.handle)
    error: dict[str, Any] = entry.error or {}
    reason = str(error.get("message") or "the last sync failed.")
    # A capital word in a command is to be filled in, and the notebook is known here.
    hint, command = (
        re.sub(r"\bNOTEBOOK\b", lambda _: quoted_path(manifest.notebook), str(text))
        for text in (error.get("hint") or "", error.get("next_command") or sync)
    )
    return DataNotHere(f"{what} is missing: {reason} {hint}".rstrip(), entry.handle, command)


def changed_file(entry: Entry, path: str, fault: str, notebook: str) -> DataNotHere:
    """Return the error for a file of ``entry`` that cannot be used any more, because it ``fault``."""
    words = f"{entry.handle!r} ({entry.did}) must be synced again: {path} {fault}."
    return DataNotHere(words, entry.handle, command_line("sync", notebook))


def unknown_handle(handle: object, manifest: LoadedManifest) -> DataNotHere:
    """Return the error for a handle that the notebook does not declare, with the closest declared ones."""
    import difflib  # costs 3 ms, and only a mistake needs it

    close = difflib.get_close_matches(str(handle), manifest.entries, n=3)
    declared = sorted(manifest.entries)
    if close:
        rest = f"Did you mean {' or '.join(repr(name) for name in close)}?"
    elif declared:
        shown = ", ".join(declared[:10]) + (f" and {len(declared) - 10} more" if len(declared) > 10 else "")
        rest = f"It declares {shown}."
    else:
        rest = "It declares no data."
    add = None if close else command_line("add", manifest.notebook, "SCOPE:NAME", "--as", str(handle))
    return DataNotHere(f"This notebook declares no data as {handle!r}. {rest}", str(handle), add)


def command_line(verb: str, notebook: str | os.PathLike[str], *arguments: str) -> str:
    """Return a command of nbrucio on this notebook, quoted for a shell."""
    return " ".join(["nbrucio", verb, quoted_path(notebook), *map(shlex.quote, arguments)])
