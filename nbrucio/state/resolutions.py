"""File lists and locks that this machine resolved, so that the next sync need not ask Rucio again.

- ``<store>/lists/<2 hex>/<digest>``: a file list as `nbrucio.core.filelist.list_lines` writes it. Its name is its
  SHA-256, so a damaged list is detected and ignored; the catalogue can supply it again.
- ``<store>/notebooks/<SHA-256 of the notebook's real path>.json``: by handle, the lock entries and instances of a
  notebook without locks in its own metadata. ``sync`` never writes a notebook and remembers the resolution here
  instead. Losing this file can change the data that the next sync downloads, so an unreadable file is an error and is
  never overwritten.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from nbrucio.core.filelist import list_lines, parse_lines
from nbrucio.core.files import FileEntry
from nbrucio.core.jitter import jittered
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.packed_files import SHORT, PackedFiles
from nbrucio.disk.atomic import write_file
from nbrucio.disk.locks import locked
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import read_file, read_saved
from nbrucio.errors import BadDid, MissingDependency
from nbrucio.state.notebook_key import notebook_key

#: About two million files in one list, and as many bytes for all locks of one notebook.
_LIST_MAX_BYTES = 1 << 28
_LOCK_MAX_BYTES = 1 << 28
#: Longest wait in seconds, about, for another process that asks for the same list. 20,000 files take Rucio a second.
_WAIT_S = 60.0


class SavedLock(NamedTuple):
    """A lock entry and the identity of the instance that resolved it; empty when that was not recorded."""

    entry: LockEntry
    instance: str


class Resolutions:
    """The resolutions recorded in the store at ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, digest: str) -> tuple[FileEntry, ...] | None:
        """Return the list with this digest (``sha256:…``), sorted by DID; None when it is absent or damaged."""
        text = self._list(digest)
        try:
            return None if text is None else parse_lines(text.decode("utf-8", "surrogatepass").splitlines())
        except (ValueError, BadDid):
            return None

    def packed(self, digest: str) -> Sequence[FileEntry] | None:
        """Return the same list as `files`, packed if it is long."""
        text = self._list(digest)
        if text is None or text.count(b"\n") <= SHORT:
            return self.files(digest)
        try:
            return PackedFiles(text)
        except (ValueError, BadDid):
            return None

    def _list(self, digest: str) -> bytes | None:
        try:
            text = read_file(self.list_path(digest), _LIST_MAX_BYTES, follow=False)
        except OSError:
            return None
        return text if "sha256:" + hashlib.sha256(text).hexdigest() == digest else None

    def save_files(self, files: Sequence[FileEntry]) -> str:
        """Save a file list and return its digest (``sha256:…``).

        Raises:
            OSError: the store cannot be written.
        """
        text = files.text if isinstance(files, PackedFiles) else _text(files)
        digest = "sha256:" + hashlib.sha256(text).hexdigest()
        path = self.list_path(digest)
        if self._list(digest) is None:  # also replaces a damaged list
            make_private_folder(path.parent)
            write_file(path, text)
        return digest

    @contextmanager
    def alone(self, digest: str) -> Iterator[None]:
        """Wait while another process asks for the list with this digest, but not for long: that process may be stopped.
        Those that wait for it do not give up at the same moment.
        """
        path = self.list_path(digest)
        with ExitStack() as stack:
            with suppress(OSError, MissingDependency):
                make_private_folder(path.parent)
                stack.enter_context(locked(path, jittered(_WAIT_S)))
                stack.callback(_remove, Path(f"{path}.lock"))
            yield

    def lock(self, notebook: Path) -> dict[str, SavedLock]:
        """Return the locks saved for the notebook at this path, by lock key; empty when there are none.

        Raises:
            UnreadableFile: the file exists but cannot be read.
        """
        without = "the next sync asks Rucio for the present content"
        return read_saved(self.notebook_path(notebook), _LOCK_MAX_BYTES, _lock_in, {}, without=without)

    def save_lock(self, notebook: Path, lock: Mapping[str, SavedLock]) -> None:
        """Replace the locks saved for the notebook at this path.

        Raises:
            UnreadableFile: the earlier file cannot be read; nothing is written.
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
        """Return the path of the list with this digest, whether it exists or not."""
        name = digest.removeprefix("sha256:")
        return self._root / "lists" / name[:2] / name

    def notebook_path(self, notebook: Path) -> Path:
        """Return the path of the locks saved for this notebook, whether it exists or not."""
        return self._root / "notebooks" / f"{notebook_key(notebook)}.json"


def _text(files: Sequence[FileEntry]) -> bytes:
    return "".join(line + "\n" for line in list_lines(files)).encode("utf-8", "surrogatepass")


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _lock_in(value: Mapping[str, Any]) -> dict[str, SavedLock]:
    instances = value.get("instances", {})
    return {
        str(key): SavedLock(LockEntry.parse(raw), str(instances.get(key, ""))) for key, raw in value["lock"].items()
    }
