"""Replication rules that the user made for a notebook: the consent to renew them while the notebook is used.

``<store>/staged/<SHA-256 of the notebook's real path>.json`` is outside every project, so a notebook cannot supply its
own. Losing it means that the rules expire unless they are staged again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from nbrucio.core.did import Did
from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import SMALL_BYTES, read_json, read_saved
from nbrucio.errors import BadDid
from nbrucio.state.notebook_key import notebook_key

VERSION = 1


class StagedRule(NamedTuple):
    """One replication rule.

    Attributes:
        instance: identity of the Rucio server.
        did, rse: the DID that the rule replicates, and the RSE that it replicates to.
        lifetime_s: the lifetime in seconds that the user asked for.
        expires: the expiry in UTC, as last read or set by this machine.
        tried: when Rucio last refused a renewal; None when it never did.
    """

    instance: str
    did: Did
    rse: str
    lifetime_s: int
    expires: datetime
    tried: datetime | None = None


class StagedRules:
    """The staged rules of the store at ``root``. An unreadable file is an error and is never overwritten."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "staged"

    def read(self, notebook: Path) -> tuple[StagedRule, ...]:
        """Return the rules made for the notebook at this path.

        Raises:
            UnreadableFile: the file exists but cannot be read.
        """
        without = "syncs then no longer renew the rules of this notebook; `nbrucio stage` renews them again"
        return read_saved(self._path(notebook), SMALL_BYTES, _rules_in, (), without=without)

    def has(self, notebook: Path) -> bool:
        """Whether a file exists for the notebook at this path, readable or not."""
        return os.path.lexists(self._path(notebook))

    def save(self, notebook: Path, rules: Iterable[StagedRule]) -> None:
        """Add rules; a rule replaces an earlier one for the same instance, DID and RSE.

        Raises:
            UnreadableFile: the earlier rules cannot be read; nothing is written.
            OSError: the store cannot be written.
        """
        known = {rule[:3]: rule for rule in (*self.read(notebook), *rules)}
        self._write(notebook, known.values())

    def forget(self, notebook: Path, instance: str, did: Did, rse: str) -> None:
        """Stop renewing this rule.

        Raises:
            UnreadableFile: the rules cannot be read; nothing is written.
            OSError: the store cannot be written.
        """
        gone = (instance, did, rse)
        self._write(notebook, [rule for rule in self.read(notebook) if rule[:3] != gone])

    def expired(self, now: datetime) -> Iterator[tuple[Path, str]]:
        """Yield each file without a renewable rule, with the real path of its notebook.

        Rucio removes a rule when it expires, and a removed rule cannot be renewed. Another machine may have renewed a
        rule that looks expired here, for at most its lifetime again. A rule therefore counts as expired one lifetime
        after its recorded expiry. Until then its file stays even when the notebook is missing: the notebook may return
        with its file system. Listing and removing rules does not need these files, because Rucio names our rules.
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
        return self._folder / f"{notebook_key(notebook)}.json"


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
