"""The data that notebooks used on this machine, so that the store can be cleaned without removing what they need.

``<store>/uses/<SHA-256 of the notebook's real path>.json`` lists the data of the last sync; its modification time is
the time of that sync. Losing it means that the notebook's files count as unneeded until it is synced again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from nbrucio.core.did import Did
from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import read_saved
from nbrucio.state.notebook_key import notebook_key

#: About 100,000 requirements.
_MAX_BYTES = 1 << 25
_WITHOUT = "its files then count as unneeded until the notebook is synced again"


class UsedData(NamedTuple):
    """One requirement as it was resolved: its handle, its DID, the instance's identity, and its list's digest."""

    handle: str
    did: Did
    instance: str
    digest: str


class NotebookUse(NamedTuple):
    """The last use of one notebook.

    Attributes:
        notebook: its real path.
        data: the data of its last sync.
        pinned: whether the user asked to keep its data.
        used_s: when it was last synced, in seconds since 1970.
    """

    notebook: Path
    data: tuple[UsedData, ...]
    pinned: bool = False
    used_s: float = 0.0

    def is_gone(self) -> bool:
        """Return whether nothing exists at its path; False if the file system denies access or does not answer."""
        try:
            os.lstat(self.notebook)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return False


class NotebookUses:
    """The uses recorded in the store at ``root``. An unreadable file is an error and is never overwritten."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "uses"

    def read(self, notebook: Path) -> NotebookUse | None:
        """Return the last use of the notebook at this path; None if it was never synced here.

        Raises:
            UnreadableFile: the file exists but cannot be read.
        """
        return _read(self._path(notebook))

    def entries(self) -> Iterator[NotebookUse]:
        """Yield the last use of each notebook, sorted by path.

        Raises:
            UnreadableFile: a file cannot be read; its notebook may need anything in the store.
        """
        try:
            paths = [path for path in self._folder.iterdir() if path.suffix == ".json"]
        except FileNotFoundError:
            return
        yield from sorted((use for use in map(_read, paths) if use is not None), key=lambda use: use.notebook)

    def save(self, notebook: Path, data: Iterable[UsedData]) -> None:
        """Record a sync of the notebook at this path, now. A pinned notebook stays pinned.

        Raises:
            UnreadableFile: the earlier file cannot be read; nothing is written.
            OSError: the store cannot be written.
        """
        known, data = self.read(notebook), tuple(data)
        if known is None and not data:
            return
        if known is not None and known.data == data:
            self.touch(notebook)
        else:
            self._write(NotebookUse(Path(os.path.realpath(notebook)), data, known is not None and known.pinned))

    def touch(self, notebook: Path) -> None:
        """Record that the notebook at this path was used now, if it was ever synced here. Never raises."""
        with suppress(OSError):
            os.utime(self._path(notebook))

    def pin(self, use: NotebookUse, *, pinned: bool) -> None:
        """Pin or unpin a notebook.

        Raises:
            OSError: the store cannot be written.
        """
        self._write(use._replace(pinned=pinned))
        os.utime(self._path(use.notebook), (use.used_s, use.used_s))

    def forget(self, use: NotebookUse) -> None:
        """Remove the record of a notebook. Never raises."""
        with suppress(OSError):
            self._path(use.notebook).unlink()

    def _write(self, use: NotebookUse) -> None:
        value = {
            "version": 1,
            "notebook": str(use.notebook),
            "pinned": use.pinned,
            "data": [{**one._asdict(), "did": str(one.did)} for one in use.data],
        }
        path = self._path(use.notebook)
        make_private_folder(path.parent)
        write_file(path, json.dumps(value, indent=1).encode())

    def _path(self, notebook: Path) -> Path:
        return self._folder / f"{notebook_key(notebook)}.json"


def _read(path: Path) -> NotebookUse | None:
    use = read_saved(path, _MAX_BYTES, _use_in, None, without=_WITHOUT)
    if use is None:
        return None
    with suppress(OSError):
        use = use._replace(used_s=path.stat().st_mtime)
    return use


def _use_in(value: Mapping[str, Any]) -> NotebookUse | None:
    data = (
        UsedData(str(one["handle"]), Did.parse(one["did"]), str(one["instance"]), str(one["digest"]))
        for one in value["data"]
    )
    return NotebookUse(Path(value["notebook"]), tuple(data), value["pinned"] is True)
