"""The downloads of running syncs that a user started, so that a server that was killed resumes them.

Consent for once lasts as long as its sync: a file for each notebook beside the grants, written when the downloads start
and removed when the sync ends in any way. It stays only when the server itself ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from nbrucio.core.planner import Wanted
from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import read_saved
from nbrucio.errors import UnreadableFile
from nbrucio.kernel.where import manifest_name
from nbrucio.operations.grants import Grant

VERSION = 1
#: A server that is restarted later resumes nothing.
_LIFETIME = timedelta(days=7)
_MAX_BYTES = 1 << 26


class UnderWay:
    """The running syncs of this user, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, notebook: Path, wanted: Iterable[Wanted]) -> None:
        """Write the permitted downloads of the sync of ``notebook`` that starts now.

        Raises:
            OSError: the file cannot be written.
        """
        expires = datetime.now(timezone.utc) + _LIFETIME
        grants = [Grant(one.instance, one.did, one.size_bytes, expires).as_json() for one in wanted]
        if grants:
            make_private_folder(self._folder)
            value = {"version": VERSION, "notebook": str(notebook), "grants": grants}
            write_file(self._path(notebook), json.dumps(value).encode(), durable=True)

    def of(self, notebook: Path) -> tuple[Grant, ...]:
        """Return the permitted downloads of the interrupted sync of ``notebook``; none if they cannot be read."""
        none: tuple[Grant, ...] = ()
        try:
            kept = read_saved(self._path(notebook), _MAX_BYTES, _parsed, none, without="nbrucio asks again")
        except UnreadableFile:
            return none
        now = datetime.now(timezone.utc)
        return tuple(grant for grant in kept if grant.is_valid(now, _LIFETIME))

    def moved(self, old: Path, new: Path) -> None:
        """Follow the renaming of the notebook ``old`` to ``new``.

        Raises:
            OSError: the file cannot be renamed.
        """
        if self._path(old).exists():
            self._path(old).replace(self._path(new))

    def end(self, notebook: Path) -> None:
        """Record that the sync of ``notebook`` has ended.

        Raises:
            OSError: the file cannot be removed.
        """
        self._path(notebook).unlink(missing_ok=True)

    def _path(self, notebook: Path) -> Path:
        return self._folder / manifest_name(notebook)


def _parsed(value: Mapping[str, Any]) -> tuple[Grant, ...]:
    if value["version"] != VERSION:
        raise ValueError("it is of another version of nbrucio")
    return tuple(Grant.parse(raw) for raw in value["grants"])
