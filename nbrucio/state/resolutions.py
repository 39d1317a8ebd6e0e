"""What this machine resolved, kept so that the next sync need not ask again.

Two things:

- ``<store>/lists/<2 hex>/<digest>``: a file list as `nbrucio.core.filelist.list_lines` writes it. Its name is its
  SHA-256, so a damaged list is found out and ignored; the catalogue gives it again.
- ``<store>/notebooks/<SHA-256 of the notebook's real path>.json``: the lock entries of a notebook that has none in its
  own metadata, by handle, and the instance that each is of. ``sync`` never writes a notebook; this is where it
  remembers instead. Without it the next sync may get other data, so what cannot be read is an error, and nothing is
  written over it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nbrucio.core.filelist import digest_of_lines, list_lines, parse_lines
from nbrucio.core.files import FileEntry
from nbrucio.core.lockentry import LockEntry
from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import read_file, read_kept
from nbrucio.errors import BadDid

#: About two million files, and what their pinned lists and sums come to in the locks of one notebook.
_LIST_MAX_BYTES = 1 << 28
_LOCK_MAX_BYTES = 1 << 28


class Kept(NamedTuple):
    """A lock entry, and the identity of the instance that resolved it; empty where that was not written down."""

    entry: LockEntry
    instance: str


class Resolutions:
    """The memory under one store's root."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, digest: str) -> tuple[FileEntry, ...] | None:
        """The list with this digest (``sha256:…``), sorted by DID; None when it is not here or damaged."""
        text = self._list(digest)
        try:
            return None if text is None else parse_lines(text.decode("utf-8", "surrogatepass").splitlines())
        except (ValueError, BadDid):
            return None

    def _list(self, digest: str) -> bytes | None:
        try:
            text = read_file(self.list_path(digest), _LIST_MAX_BYTES, follow=False)
        except OSError:
            return None
        return text if "sha256:" + hashlib.sha256(text).hexdigest() == digest else None

    def keep_files(self, files: Sequence[FileEntry]) -> str:
        """Keep a list; returns its digest.

        Raises:
            OSError: the store cannot be written.
        """
        lines = list_lines(files)
        digest = digest_of_lines(lines)
        path = self.list_path(digest)
        if self._list(digest) is None:  # also a damaged one, whose right content is known by its name
            make_private_folder(path.parent)
            write_file(path, "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
        return digest

    def lock(self, notebook: Path) -> dict[str, Kept]:
        """What is kept for the notebook at this path, by the key of its lock.

        Raises:
            UnreadableFile: the file that has them is there, but cannot be read.
        """
        without = "the next sync then asks Rucio what the data is now"
        return read_kept(self.notebook_path(notebook), _LOCK_MAX_BYTES, _lock_in, {}, without=without)

    def keep_lock(self, notebook: Path, lock: Mapping[str, Kept]) -> None:
        """Keep these for the notebook at this path in place of earlier ones.

        Raises:
            UnreadableFile: the earlier ones cannot be read; nothing is written.
            OSError: the store cannot be written.
        """
        if self.lock(notebook) == lock:
            return
        path = self.notebook_path(notebook)
        value = {
            "version": 1,
            "notebook": str(notebook),
            "lock": {key: kept.entry.as_json() for key, kept in lock.items()},
            "instances": {key: kept.instance for key, kept in lock.items() if kept.instance},
        }
        make_private_folder(path.parent)
        write_file(path, json.dumps(value, indent=1).encode(), durable=True)

    def list_path(self, digest: str) -> Path:
        """Where the list with this digest is, if it is kept."""
        name = digest.removeprefix("sha256:")
        return self._root / "lists" / name[:2] / name

    def notebook_path(self, notebook: Path) -> Path:
        """Where the lock entries of the notebook at this path are, if any are kept."""
        name = hashlib.sha256(os.fsencode(notebook.resolve())).hexdigest()
        return self._root / "notebooks" / f"{name}.json"


def _lock_in(value: Mapping[str, Any]) -> dict[str, Kept]:
    instances = value.get("instances", {})
    return {str(key): Kept(LockEntry.parse(raw), str(instances.get(key, ""))) for key, raw in value["lock"].items()}
