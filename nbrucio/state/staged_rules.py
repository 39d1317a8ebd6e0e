"""Which rules the user had made for a notebook here: the consent to keep them alive while it is used.

``<store>/staged/<SHA-256 of the notebook's real path>.json``. It lies outside of every project, so no notebook can
bring its own; losing it means that rules expire unless they are staged again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from nbrucio.core.did import Did
from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import SMALL_BYTES, read_json, read_kept
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
    """The memory under one store's root. What cannot be read is an error, and nothing is written over it."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "staged"

    def read(self, notebook: Path) -> tuple[StagedRule, ...]:
        """The rules that were made for the notebook at this path.

        Raises:
            UnreadableFile: the file that names them is there, but cannot be read.
        """
        without = "syncs then no longer renew the rules of this notebook; `nbrucio stage` takes them up again"
        return read_kept(self._path(notebook), SMALL_BYTES, _rules_in, (), without=without)

    def knows(self, notebook: Path) -> bool:
        """Whether anything is kept for the notebook at this path, readable or not."""
        return os.path.lexists(self._path(notebook))

    def keep(self, notebook: Path, rules: Iterable[StagedRule]) -> None:
        """Keep these in place of earlier ones for the same DID and RSE.

        Raises:
            UnreadableFile: the earlier ones cannot be read; nothing is written.
            OSError: the store cannot be written.
        """
        known = {rule[:3]: rule for rule in (*self.read(notebook), *rules)}
        self._write(notebook, known.values())

    def forget(self, notebook: Path, instance: str, did: Did, rse: str) -> None:
        """This rule is not to be kept alive any more. Errors as of `keep`."""
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
                value = read_json(file, SMALL_BYTES, follow=False)
                rules = _rules_in(value)
                ended = all(rule.expires + timedelta(seconds=rule.lifetime_s) < now for rule in rules)
                notebook = value["notebook"] if value["version"] == VERSION and ended else None
            except (OSError, ValueError, KeyError, TypeError, OverflowError, BadDid):
                continue
            if isinstance(notebook, str):
                yield file, notebook

    def _write(self, notebook: Path, rules: Iterable[StagedRule]) -> None:
        kept = [_as_json(rule) for rule in rules]
        value = {"version": VERSION, "notebook": os.path.realpath(notebook), "rules": kept}
        make_private_folder(self._folder)
        write_file(self._path(notebook), json.dumps(value, indent=1).encode(), durable=True)

    def _path(self, notebook: Path) -> Path:
        name = hashlib.sha256(os.fsencode(os.path.realpath(notebook))).hexdigest()
        return self._folder / f"{name}.json"


def _as_json(rule: StagedRule) -> dict[str, object]:
    tried = rule.tried.isoformat() if rule.tried else None
    return {**rule._asdict(), "did": str(rule.did), "expires": rule.expires.isoformat(), "tried": tried}


def _rules_in(value: Mapping[str, Any]) -> tuple[StagedRule, ...]:
    return tuple(_parsed(one) for one in value["rules"])


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
