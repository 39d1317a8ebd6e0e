"""Grants: the user's consent to downloads.

A grant allows a number of bytes of a DID of an instance until a date. Grants are outside every project, in one file
that only the user can read, so that no notebook or repository can supply its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from nbrucio.core.did import Did
from nbrucio.core.planner import Wanted
from nbrucio.disk.atomic import write_file
from nbrucio.disk.locks import locked
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import read_saved
from nbrucio.errors import UnreadableFile

VERSION = 1
LIFETIME = timedelta(days=180)
#: A clock may be corrected by this much. A grant that ends later than its whole lifetime from now was given while the
#: clock was ahead: it would last longer than the user agreed to.
_CLOCKS = timedelta(days=1)
_MAX_BYTES = 1 << 26


@dataclass(frozen=True)
class Grant:
    """Consent to download a DID.

    Attributes:
        instance: identity of the Rucio server.
        did: the DID; a name that ends in ``*`` means every name with that prefix.
        max_bytes: limit in bytes; None for any size.
        expires: expiry in UTC.
    """

    instance: str
    did: Did
    max_bytes: int | None
    expires: datetime

    def is_valid(self, now: datetime, lifetime: timedelta | None = None) -> bool:
        """Whether this grant, which was given for ``lifetime`` (by default `LIFETIME`), counts at the time ``now``."""
        return now < self.expires <= now + (lifetime or LIFETIME) + _CLOCKS

    def covers(self, instance: str, did: Did, size_bytes: int, now: datetime) -> bool:
        """Whether this grant allows the download of ``size_bytes`` of ``did`` at the time ``now``."""
        named = self.did == did
        if self.did.name.endswith("*"):
            named = self.did.scope == did.scope and did.name.startswith(self.did.name[:-1])
        fits = self.max_bytes is None or size_bytes <= self.max_bytes
        return named and fits and instance == self.instance and self.is_valid(now)

    def as_json(self) -> dict[str, object]:
        """Return this grant as a JSON-ready mapping."""
        return {
            "instance": self.instance,
            "did": str(self.did),
            "max_bytes": self.max_bytes,
            "expires": self.expires.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Grant:
        """Parse a grant from JSON.

        Raises:
            ValueError, KeyError, TypeError, BadDid: it is not a valid grant.
        """
        size = value["max_bytes"]
        if size is not None and not isinstance(size, int):
            raise TypeError("'max_bytes' must be a whole number")
        expires = datetime.fromisoformat(str(value["expires"]).replace("Z", "+00:00"))
        if expires.tzinfo is None:
            raise ValueError("'expires' must have a time zone")
        return cls(str(value["instance"]), Did.parse(str(value["did"])), size, expires)


class Grants:
    """The grants in one file. An unreadable file contains no grants and is never overwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def folder(self) -> Path:
        """Folder of the file, which is not a project."""
        return self._path.parent

    def all(self, now: datetime | None = None) -> tuple[Grant, ...]:
        """Return the valid grants; none when the file is unreadable, so that consent is requested."""
        try:
            return self.read(now)
        except UnreadableFile:
            return ()

    def read(self, now: datetime | None = None) -> tuple[Grant, ...]:
        """Return the valid grants.

        Raises:
            UnreadableFile: the file exists but cannot be read.
        """
        now = now or datetime.now(timezone.utc)
        without = "nbrucio asks again before it downloads"
        grants: tuple[Grant, ...] = read_saved(self._path, _MAX_BYTES, self._parsed, (), without=without, follow=True)
        return tuple(grant for grant in grants if grant.is_valid(now))

    def allowance(self, wanted: Iterable[tuple[str, Did, int]]) -> int | None:
        """See the function `allowance`, with these grants."""
        return allowance(self.all(), wanted)

    def add(self, new: Sequence[Grant]) -> None:
        """Add grants; each replaces one for the same instance and DID.

        Raises:
            UnreadableFile: the file cannot be read, and is unchanged.
            OSError: the file cannot be written.
        """
        replaced = {(grant.instance, grant.did) for grant in new}
        self._write(lambda old: [*(g for g in old if (g.instance, g.did) not in replaced), *new])

    def extend(self, wanted: Iterable[Wanted]) -> None:
        """Grant requested downloads, in addition to earlier grants for the same DIDs.

        Raises:
            UnreadableFile: the file cannot be read, and is unchanged.
            OSError: the file cannot be written.
        """
        wanted = tuple(wanted)
        expires = datetime.now(timezone.utc) + LIFETIME

        def extended(old: tuple[Grant, ...]) -> list[Grant]:
            grants = {(grant.instance, grant.did): grant for grant in old}
            for one in wanted:
                present = grants.get((one.instance, one.did))
                size = one.beside(present.max_bytes if present else 0)
                grants[one.instance, one.did] = Grant(one.instance, one.did, size, expires)
            return list(grants.values())

        if wanted:
            self._write(extended)

    def remove(self, instance: str, did: Did) -> None:
        """Remove the grant for this DID of the instance with this identity, if it exists.

        Raises:
            UnreadableFile: the file cannot be read, and is unchanged.
            OSError: the file cannot be written.
        """
        self._write(lambda old: [grant for grant in old if (grant.instance, grant.did) != (instance, did)])

    def _write(self, change: Callable[[tuple[Grant, ...]], list[Grant]]) -> None:
        make_private_folder(self._path.parent)
        with locked(self._path):
            value = {"version": VERSION, "grants": [grant.as_json() for grant in change(self.read())]}
            # Write through a link, which tools that collect settings in one place create.
            write_file(Path(os.path.realpath(self._path)), json.dumps(value, indent=1).encode(), durable=True)

    def _parsed(self, value: Mapping[str, Any]) -> tuple[Grant, ...]:
        if self._path.stat().st_uid != os.getuid():
            raise ValueError("it is another user's")
        if value["version"] != VERSION:
            raise ValueError("it is of another version of nbrucio")
        return tuple(Grant.parse(raw) for raw in value["grants"])


def allowance(grants: Sequence[Grant], wanted: Iterable[tuple[str, Did, int]]) -> int | None:
    """Return the bytes that may be downloaded for ``wanted``, each (instance, DID, missing bytes); None for no limit.

    0 unless all are granted. For an unknown size (0 bytes), the grant's own limit counts.
    """
    now = datetime.now(timezone.utc)
    total = 0
    unlimited = False
    for want in wanted:
        covering = [grant.max_bytes for grant in grants if grant.covers(*want, now)]
        if not covering:
            return 0
        limits = [limit for limit in covering if limit is not None]
        unlimited = unlimited or len(limits) < len(covering)
        total += max(limits, default=0)
    return None if unlimited else total


def user_grants(environ: Mapping[str, str] = os.environ) -> Grants:
    """Return the user's grants: NBRUCIO_GRANTS, else ``grants.json`` in the private folder."""
    chosen = environ.get("NBRUCIO_GRANTS")
    if chosen:
        return Grants(Path(chosen))
    from nbrucio.config.private import consent_folder

    return Grants(consent_folder(environ) / "grants.json")
