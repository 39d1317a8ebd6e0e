"""Which rules the user had made for a notebook here: the consent to keep them alive while it is used.

``<store>/staged/<SHA-256 of the notebook's real path>.json``. It lies outside of every project, so no notebook can
bring its own; losing it means that rules expire unless they are staged again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from nbrucio.atomic import write_file
from nbrucio.did import Did
from nbrucio.errors import BadDid

VERSION = 1


class StagedRule(NamedTuple):
    """One rule.

    Attributes:
        instance: identity of the Rucio server.
        did, rse: what is kept where.
        lifetime_s: how long the user wanted it.
        expires: until when it lives, in UTC, as far as was seen here.
        tried: when a renewal was refused; None when none was.
    """

    instance: str
    did: Did
    rse: str
    lifetime_s: int
    expires: datetime
    tried: datetime | None = None


class StagedRules:
    """The memory under one store's root. Reading a damaged or unreadable part gives nothing, never an error."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "staged"

    def read(self, notebook: Path) -> tuple[StagedRule, ...]:
        """The rules that were made for the notebook at this path."""
        try:
            raw = json.loads(self._path(notebook).read_bytes())["rules"]
            return tuple(_parsed(one) for one in raw)
        except (OSError, ValueError, KeyError, TypeError, BadDid):
            return ()

    def keep(self, notebook: Path, rules: Iterable[StagedRule]) -> None:
        """Keep these in place of earlier ones for the same DID and RSE."""
        known = {rule[:3]: rule for rule in (*self.read(notebook), *rules)}
        self._write(notebook, known.values())

    def forget(self, notebook: Path, instance: str, did: Did, rse: str) -> None:
        """This rule is not to be kept alive any more."""
        gone = (instance, did, rse)
        self._write(notebook, [rule for rule in self.read(notebook) if rule[:3] != gone])

    def _write(self, notebook: Path, rules: Iterable[StagedRule]) -> None:
        value = {"version": VERSION, "notebook": str(notebook), "rules": [_as_json(rule) for rule in rules]}
        # A rule that is not remembered expires when it was to, which stops nothing now.
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_file(self._path(notebook), json.dumps(value, indent=1).encode())

    def _path(self, notebook: Path) -> Path:
        name = hashlib.sha256(os.fsencode(os.path.realpath(notebook))).hexdigest()
        return self._folder / f"{name}.json"


def _as_json(rule: StagedRule) -> dict[str, object]:
    tried = rule.tried.isoformat() if rule.tried else None
    return {**rule._asdict(), "did": str(rule.did), "expires": rule.expires.isoformat(), "tried": tried}


def _parsed(raw: Mapping[str, object]) -> StagedRule:
    lifetime_s, tried = raw["lifetime_s"], raw["tried"]
    if not isinstance(lifetime_s, int):
        raise TypeError(lifetime_s)
    return StagedRule(
        str(raw["instance"]),
        Did.parse(str(raw["did"])),
        str(raw["rse"]),
        lifetime_s,
        datetime.fromisoformat(str(raw["expires"])),
        datetime.fromisoformat(str(tried)) if tried else None,
    )
