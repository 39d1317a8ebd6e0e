"""Reading a manifest. Written by `nbrucio.manifest`, which also has its description."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .errors import DataNotHere

#: The newest version of the format that this code understands.
VERSION = 1


class Entry(NamedTuple):
    """What a manifest says of one handle; ``files`` as they stand in the JSON."""

    handle: str
    did: str
    state: str
    files: list[dict[str, Any]]
    folder: str | None
    error: dict[str, Any] | None
    bind: bool
    ca: str | None = None


class Manifest(NamedTuple):
    """A manifest as a kernel sees it. ``pid`` is the process that wrote it, 0 when unknown."""

    notebook: str
    state: str
    entries: Mapping[str, Entry]
    pid: int


def read(path: Path) -> Manifest:
    """The manifest in the file ``path``.

    Raises:
        DataNotHere: it is of a newer version, or damaged.
        OSError: there is no such file, or it cannot be read.
    """
    raw = path.read_bytes()
    try:
        content = json.loads(raw)
        version = content["version"]
        if version > VERSION:
            raise DataNotHere(
                f"The data was synced by a newer nbrucio (manifest version {version}, here up to {VERSION} is known).",
                None,
                "pip install --upgrade nbrucio",
            )
        return Manifest(
            notebook=str(content["notebook"]),
            state=str(content["state"]),
            entries={handle: _entry(handle, value) for handle, value in content["data"].items()},
            pid=int(content.get("pid") or 0),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataNotHere(f"The manifest {path} is damaged. Syncing again writes a new one.") from None


def _entry(handle: str, value: dict[str, Any]) -> Entry:
    return Entry(
        handle=handle,
        did=str(value["did"]),
        state=str(value["state"]),
        files=list(value["files"]),
        folder=value.get("folder"),
        error=value.get("error"),
        bind=value.get("bind") is True,
        ca=value.get("ca"),
    )


def writer_is_gone(manifest: Manifest) -> bool:
    """Whether the sync that this manifest calls unfinished has ended without saying so."""
    if manifest.state != "syncing" or not manifest.pid:
        return False
    try:
        os.kill(manifest.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # the number belongs to somebody else now
        return True
    return False


def read_progress(path: Path) -> dict[str, Any] | None:
    """How far the sync is that the manifest at ``path`` calls unfinished; None when nobody tells."""
    try:
        value = json.loads(path.with_suffix(".progress").read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
