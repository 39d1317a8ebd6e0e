"""Which rules the user had made for a notebook here: the consent to keep them alive while it is used.

``<store>/staged/<SHA-256 of the notebook's real path>.json``. It lies outside of every project, so no notebook can
bring its own; losing it means that rules expire unless they are staged again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
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

    def ended(self, now: datetime) -> Iterator[tuple[Path, str]]:
        """Each file of this memory that keeps nothing alive any more, with the real path of the notebook that it is of.

        A rule that may still live stays, whatever became of the notebook: that may come back with its file system, and
        has its rules renewed then. Rucio removes a rule when it expires, and what was removed cannot be renewed; but
        what expired as far as was seen here, another machine may have renewed, for as long again as the user wanted.
        To list and to remove rules needs nothing of this: Rucio tells which ones are ours.
        """
        try:
            files = list(self._folder.glob("*.json"))
        except OSError:
            return
        for file in files:
            try:
                value = json.loads(file.read_bytes())
                rules = [_parsed(one) for one in value["rules"]]
                ended = all(rule.expires + timedelta(seconds=rule.lifetime_s) < now for rule in rules)
                notebook = value["notebook"] if value["version"] == VERSION and ended else None
            except (OSError, ValueError, KeyError, TypeError, OverflowError, BadDid):
                continue
            if isinstance(notebook, str):
                yield file, notebook

    def _write(self, notebook: Path, rules: Iterable[StagedRule]) -> None:
        kept = [_as_json(rule) for rule in rules]
        value = {"version": VERSION, "notebook": os.path.realpath(notebook), "rules": kept}
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
