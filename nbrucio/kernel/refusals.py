"""`DataNotHere` errors for missing data, with the command that helps."""

from __future__ import annotations

import keyword
import os
import re
import shlex
from typing import Any

from .errors import DataNotHere
from .manifest import Entry, LoadedManifest, writer_is_gone
from .quoting import quoted_path

#: Characters of a name in a message.
_SHOWN_CHARS = 120
#: As in `nbrucio.core.requirement`, which kernels cannot import.
_MAX_HANDLE_CHARS = 100
_SCHEME = "rucio://"


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


def needed_text(given: object, form: str, noun: str) -> str:
    """Return ``given``.

    Raises:
        TypeError: it is not a string.
    """
    if isinstance(given, str):
        return given
    raise TypeError(f"nbrucio.data takes one {noun} as a string, such as {form}, not {type(given).__name__}")


def plain_did(text: str) -> str:
    """Return a DID as `nbrucio add` reads it: without spaces around it and without the scheme of a URL."""
    plain = text.strip()
    return plain[len(_SCHEME) :] if plain.lower().startswith(_SCHEME) else plain


def unknown_did(did: str, manifest: LoadedManifest) -> DataNotHere:
    """Return the error for a DID that the notebook does not declare."""
    words = f"{short_name(did)} is not declared in this notebook."
    if did in manifest.entries:
        return DataNotHere(f"{words} It is a handle: did you mean nbrucio.data[{did!r}]?", did)
    scope, _, name = did.partition(":")
    return DataNotHere(words, did, command_line("add", manifest.notebook, did) if scope and name else None)


def short_name(name: str) -> str:
    """Return ``name`` quoted for a message, and cut if it is long."""
    return repr(name if len(name) <= _SHOWN_CHARS else name[: _SHOWN_CHARS - 1] + "…")


def unknown_handle(handle: str, manifest: LoadedManifest) -> DataNotHere:
    """Return the error for a handle that the notebook does not declare, with the closest declared ones."""
    import difflib  # costs 3 ms, and only a mistake needs it

    close = difflib.get_close_matches(handle[:_SHOWN_CHARS], manifest.entries, n=3)
    declared = sorted(manifest.entries)
    if close:
        rest = f"Did you mean {' or '.join(repr(name) for name in close)}?"
    elif declared:
        shown = ", ".join(declared[:10]) + (f" and {len(declared) - 10} more" if len(declared) > 10 else "")
        rest = f"It declares {shown}."
    else:
        rest = "It declares no data."
    valid = handle.isidentifier() and not keyword.iskeyword(handle) and not handle.startswith("_")
    add = None
    if valid and len(handle) <= _MAX_HANDLE_CHARS and not close:
        add = command_line("add", manifest.notebook, "SCOPE:NAME", "--as", handle)
    return DataNotHere(f"This notebook declares no data as {short_name(handle)}. {rest}", handle, add)


def command_line(verb: str, notebook: str | os.PathLike[str], *arguments: str) -> str:
    """Return a command of nbrucio on this notebook, quoted for a shell."""
    return " ".join(["nbrucio", verb, quoted_path(notebook), *map(shlex.quote, arguments)])
