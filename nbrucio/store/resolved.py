"""What this machine resolved, kept so that the next sync need not ask again.

Two things, both rebuilt by asking the catalogue when they are lost:

- ``<store>/lists/<2 hex>/<digest>``: a file list as `nbrucio.lock.list_lines` writes it. Its name is its SHA-256, so a
  damaged list is found out and ignored.
- ``<store>/notebooks/<SHA-256 of the notebook's real path>.json``: the lock entries of a notebook that has none in its
  own metadata, by handle. ``sync`` never writes a notebook; this is where it remembers instead.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbrucio.atomic import write_file
from nbrucio.catalogue.base import FileEntry
from nbrucio.errors import BadDeclaration, BadDid
from nbrucio.lock import LockEntry, digest_of_lines, list_lines, parse_lines


class Resolutions:
    """The memory under one store's root. Reading a damaged or unreadable part gives nothing, never an error."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, digest: str) -> tuple[FileEntry, ...] | None:
        """The list with this digest (``sha256:…``), sorted by DID; None when it is not here or damaged."""
        try:
            text = self.list_path(digest).read_bytes()
        except OSError:
            return None
        if "sha256:" + hashlib.sha256(text).hexdigest() != digest:
            return None
        try:
            return parse_lines(text.decode("utf-8", "surrogatepass").splitlines())
        except (ValueError, BadDid):
            return None

    def keep_files(self, files: Sequence[FileEntry]) -> str:
        """Keep a list; returns its digest.

        Raises:
            OSError: the store cannot be written.
        """
        lines = list_lines(files)
        digest = digest_of_lines(lines)
        path = self.list_path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
        return digest

    def lock(self, notebook: Path) -> dict[str, LockEntry]:
        """The lock entries kept for the notebook at this path, by handle."""
        try:
            value = json.loads(self.notebook_path(notebook).read_bytes())
            return {str(handle): LockEntry.parse(raw) for handle, raw in value["lock"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, BadDeclaration):
            return {}

    def keep_lock(self, notebook: Path, lock: Mapping[str, LockEntry]) -> None:
        """Keep the lock entries of the notebook at this path in place of earlier ones.

        Raises:
            OSError: the store cannot be written.
        """
        path = self.notebook_path(notebook)
        value = {
            "version": 1,
            "notebook": str(notebook),
            "lock": {handle: entry.as_json() for handle, entry in lock.items()},
        }
        data = json.dumps(value, indent=1).encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            write_file(path, data)

    def list_path(self, digest: str) -> Path:
        """Where the list with this digest is, if it is kept."""
        name = digest.removeprefix("sha256:")
        return self._root / "lists" / name[:2] / name

    def notebook_path(self, notebook: Path) -> Path:
        """Where the lock entries of the notebook at this path are, if any are kept."""
        name = hashlib.sha256(os.fsencode(notebook.resolve())).hexdigest()
        return self._root / "notebooks" / f"{name}.json"
