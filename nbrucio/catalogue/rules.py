"""Replication rules of the user at one instance: make, find, follow, renew, remove."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from nbrucio.catalogue.errors import ServerRefusal, tidy, translate_errors
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.errors import BadConfig, ConsentNeeded, OverBudget, UsageError

if TYPE_CHECKING:
    from nbrucio.catalogue.client import InstanceClient

#: Written into our rules, so that they can be told from those that the user made otherwise.
COMMENT = "made by nbrucio stage"
UPLOAD_COMMENT = "made by nbrucio upload"


_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Rule:
    """One rule as Rucio has it now.

    Attributes:
        id: Rucio's.
        did, rse: what is to be where; ``rse`` is an RSE expression.
        state: Rucio's word: OK, REPLICATING, STUCK, SUSPENDED, WAITING_APPROVAL, INJECT.
        ok, replicating, stuck: files by the state of their lock.
        error: why Rucio says it is stuck; None when it says nothing.
        expires: in UTC; None when it does not.
        ours: whether nbrucio made it.
    """

    id: str
    did: Did
    rse: str
    state: str
    ok: int
    replicating: int
    stuck: int
    error: str | None
    expires: datetime | None
    ours: bool

    def as_json(self) -> dict[str, object]:
        """This rule as a JSON-ready mapping."""
        expires = self.expires.strftime("%Y-%m-%dT%H:%M:%SZ") if self.expires else None
        return {**vars(self), "did": str(self.did), "expires": expires}


class Rules:
    """The rules of one instance. Every method raises what `nbrucio.catalogue.errors.translate_errors` maps,
    `OverBudget` when the account's quota is used up, and `ConsentNeeded` when the account may not do this.

    Args:
        connected: gives the client; connects at its first call.
    """

    def __init__(self, instance: Instance, connected: Callable[[], InstanceClient]) -> None:
        self._instance = instance
        self._connected = connected

    def find(self, did: Did, rse: str) -> Rule | None:
        """The user's own rule for exactly this; one that nbrucio made before any other."""
        client = self._connected()
        with self._asking(did):
            rows = [row for row in client.list_did_rules(did.scope, did.name) if row["rse_expression"] == rse]
            own = [rule_of(row) for row in rows if row["account"] == client.account]
        return next(iter(sorted(own, key=lambda rule: not rule.ours)), None)

    def ours(self) -> list[Rule]:
        """Every rule of the user's that nbrucio made, the newest first."""
        client = self._connected()
        with translate_errors(self._instance):
            if client.account is None:
                raise BadConfig(
                    f"Whose rules these would be is not known: {self._instance.name} has no account configured.",
                    subject=self._instance.name,
                    hint="Set account of the instance in your configuration.",
                )
            found = [
                row
                for comment in (COMMENT, UPLOAD_COMMENT)
                for row in client.list_replication_rules({"account": client.account, "comments": comment})
            ]
            found.sort(key=lambda row: _parsed(row["created_at"]) or _LONG_AGO, reverse=True)
            return [rule_of(row) for row in found]

    def get(self, rule_id: str) -> Rule:
        """The rule with this id.

        Raises:
            UsageError: there is none.
        """
        client = self._connected()
        with translate_errors(self._instance):
            try:
                return rule_of(client.get_replication_rule(rule_id))
            except ServerRefusal as error:
                if error.name == "RuleNotFound":
                    raise UsageError(f"{self._instance.name} has no rule {printable(rule_id)}.") from error
                raise

    def make(self, did: Did, rse: str, lifetime_s: int) -> Rule:
        """A new rule: one copy at ``rse`` for so long."""
        client = self._connected()
        with self._asking(did):
            dids = [{"scope": did.scope, "name": did.name}]
            (rule_id,) = client.add_replication_rule(dids, 1, rse, lifetime=lifetime_s, comment=COMMENT)
            return rule_of(client.get_replication_rule(rule_id))

    def renew(self, rule: Rule, lifetime_s: int) -> Rule:
        """``rule``, which now lives for so long from now on."""
        client = self._connected()
        with self._asking(rule.did):
            client.update_replication_rule(rule.id, {"lifetime": lifetime_s})
            return rule_of(client.get_replication_rule(rule.id))

    def look(self, rule: Rule) -> Rule:
        """``rule`` as it is now."""
        client = self._connected()
        with self._asking(rule.did):
            return rule_of(client.get_replication_rule(rule.id))

    def remove(self, rule: Rule) -> None:
        """End ``rule``. Rucio deletes the copy when nobody else wants it."""
        client = self._connected()
        with self._asking(rule.did):
            client.delete_replication_rule(rule.id)

    def files(self, rule: Rule) -> dict[Did, str]:
        """The state of each file of ``rule``, in Rucio's words: OK, REPLICATING or STUCK."""
        client = self._connected()
        with self._asking(rule.did):
            rows = client.list_replica_locks(rule.id)
            return {Did(str(row["scope"]), str(row["name"])): str(row["state"]) for row in rows}

    def stuck(self, rule: Rule) -> dict[Did, str]:
        """The files of ``rule`` that are stuck, each with Rucio's reason."""
        client = self._connected()
        with self._asking(rule.did):
            found = client.examine_replication_rule(rule.id)
            return {
                Did(str(row["scope"]), str(row["name"])): tidy(str(row.get("last_error") or "no reason given"))
                for row in found.get("transfers", [])
            }

    @contextmanager
    def _asking(self, did: Did) -> Iterator[None]:
        with translate_errors(self._instance, str(did)):
            try:
                yield
            except ServerRefusal as error:
                raise self._refused(error, did) from error

    def _refused(self, error: ServerRefusal, did: Did) -> Exception:
        words, name = tidy(error.words) or error.name, self._instance.name
        if error.name == "InsufficientAccountLimit":
            return OverBudget(
                f"Your quota at {name} does not allow this: {words}.",
                subject=str(did),
                hint="Remove rules that you no longer need, or ask the RSE's operators for more.",
                next_command="nbrucio stage --list NOTEBOOK",
            )
        if error.name == "AccessDenied":
            return ConsentNeeded(
                f"Your account may not do this at {name}: {words}.",
                subject=str(did),
                hint="Ask the operators of this Rucio server.",
            )
        return error


def rule_of(row: Mapping[str, Any]) -> Rule:
    """The rule that a row of Rucio's answers describes."""
    expires = row["expires_at"]
    return Rule(
        id=str(row["id"]),
        did=Did(str(row["scope"]), str(row["name"])),
        rse=str(row["rse_expression"]),
        state=str(row["state"]),
        ok=int(row["locks_ok_cnt"]),
        replicating=int(row["locks_replicating_cnt"]),
        stuck=int(row["locks_stuck_cnt"]),
        error=tidy(str(row["error"])) if row["error"] else None,
        expires=expires.replace(tzinfo=timezone.utc) if isinstance(expires, datetime) else _parsed(expires),
        ours=row.get("comments") in (COMMENT, UPLOAD_COMMENT),
    )


def _parsed(text: object) -> datetime | None:
    """A time as Rucio's JSON writes it."""
    if isinstance(text, datetime):
        return text
    if not text:
        return None
    return datetime.strptime(str(text), "%a, %d %b %Y %H:%M:%S UTC").replace(tzinfo=timezone.utc)
