"""Detects changed files by one stat; only ``nbrucio verify`` reads their bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any

from .manifest import Entry

# Called often, and a Path costs ten times as much.
# ruff: noqa: PTH116


def fault_of(file: Mapping[str, Any], entry: Entry) -> str | None:
    """Return why the ``file`` of ``entry`` cannot be used ("is gone"); None if its stat shows no change.

    For a file in the store, the manifest has its stat when verified. For a mounted file, and in the manifest of an
    older nbrucio, it has the size only.
    """
    path, verified = file.get("path"), file.get("stat")
    if path is None:
        return None
    try:
        found = os.stat(path, follow_symlinks=verified is None)
    except (FileNotFoundError, NotADirectoryError):
        return "is gone"
    except OSError as error:
        return f"cannot be reached ({error.strerror})"
    if not stat.S_ISREG(found.st_mode):
        return "is no longer a file"
    size_bytes = file.get("bytes") if verified is None else verified[0]
    if size_bytes is not None and found.st_size != size_bytes:
        return f"has {found.st_size} bytes instead of {size_bytes}"
    if verified is None:
        return None
    if found.st_mtime_ns != verified[1]:
        return "was written to after it was verified"
    if verified[2] is not None and found.st_ino != verified[2] and not _restored(entry.objects):
        return "was replaced after it was verified"
    return None


def _restored(objects: Mapping[str, Any] | None) -> bool:
    """Whether the store was restored or replaced as a whole, which gives every file a new inode."""
    try:
        return objects is None or bool(os.stat(objects["path"]).st_ino != objects["inode"])
    except OSError:
        return False
