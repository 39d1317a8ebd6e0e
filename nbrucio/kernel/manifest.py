"""Reads a manifest. `nbrucio.pipeline.manifest` describes it."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from .errors import DataNotHere

#: The newest version of the format that this code understands.
VERSION = 1
#: Of a manifest: about a million files.
MAX_BYTES = 1 << 29
_PROGRESS_MAX_BYTES = 1 << 16


class Entry(NamedTuple):
    """One handle of a manifest; ``files`` as in the JSON."""

    handle: str
    did: str
    state: str
    files: list[dict[str, Any]]
    folder: str | None
    error: dict[str, Any] | None
    bind: bool
    ca: str | None = None
    objects: dict[str, Any] | None = None
    answers: dict[str, Any] | None = None
    token: Mapping[str, str] | None = None
    instance: str | None = None


class LoadedManifest(NamedTuple):
    """A manifest as a kernel reads it.

    Attributes:
        pid: the process that wrote it; 0 when unknown.
        config: digests of the configuration files that it depends on, see `nbrucio.kernel.configured`.
        arrivals: the run whose lines are in the ``.arrivals`` file beside it; None without one.
    """

    notebook: str
    state: str
    entries: Mapping[str, Entry]
    pid: int
    config: Mapping[str, str | None] = MappingProxyType({})
    arrivals: str | None = None

    def is_empty(self) -> bool:
        """Whether no status of the notebook was written yet; without ``notebook`` the notebook is unknown too."""
        return self.state == "syncing" and not self.entries


def read(path: Path) -> LoadedManifest:
    """Return the manifest in the file ``path``.

    Raises:
        DataNotHere: the manifest has a newer version, or is damaged.
        OSError: the file is missing or cannot be read.
    """
    raw = read_regular(path, MAX_BYTES)
    try:
        content = json.loads(raw)
        version = content["version"]
        if version > VERSION:
            raise DataNotHere(
                f"A newer nbrucio synced this data (manifest version {version}; this nbrucio reads up to {VERSION}). "
                "Upgrade nbrucio in this kernel's Python."
            )
        return LoadedManifest(
            notebook=str(content["notebook"]),
            state=str(content["state"]),
            entries={handle: _entry(handle, value) for handle, value in content["data"].items()},
            pid=int(content.get("pid") or 0),
            config=dict(content.get("config") or {}),
            arrivals=content.get("arrivals"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise DataNotHere(f"The manifest {path} is damaged. Sync again to replace it.") from None


def read_regular(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read a regular file without blocking, like `nbrucio.disk.read.read_file`, which kernels cannot import."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if found.st_size > max_bytes:
            raise OSError(errno.EFBIG, "it is too large")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(found.st_size)
    finally:
        os.close(descriptor)


def _entry(handle: str, value: dict[str, Any]) -> Entry:
    files = list(value["files"])
    if not all(map(is_file, files)):
        raise ValueError("a file without a DID, or with a place that is not a string")
    return Entry(
        handle=handle,
        did=str(value["did"]),
        state=str(value["state"]),
        files=files,
        folder=value.get("folder"),
        error=value.get("error"),
        bind=value.get("bind") is True,
        ca=value.get("ca"),
        objects=value.get("objects"),
        answers=value.get("answers") if isinstance(value.get("answers"), dict) else None,
        token=value.get("token"),
        instance=value.get("instance"),
    )


def is_file(value: dict[str, Any]) -> bool:
    """Whether ``value`` describes a file."""
    places = (value.get("path"), value.get("pfn"))
    return isinstance(value["did"], str) and all(place is None or isinstance(place, str) for place in places)


def writer_is_gone(manifest: LoadedManifest) -> bool:
    """Whether the process of an unfinished sync has ended."""
    if manifest.state != "syncing" or not manifest.pid:
        return False
    try:
        os.kill(manifest.pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # another user's process has this number now
        return True
    return False


def read_progress(path: Path) -> dict[str, Any] | None:
    """Return the progress of the unfinished sync of the manifest at ``path``; None when unknown."""
    try:
        value = json.loads(read_regular(path.with_suffix(".progress"), _PROGRESS_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
