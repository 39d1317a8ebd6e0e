"""The user's replication rules at one instance: create, find, follow, renew, remove."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from nbrucio.catalogue import rest
from nbrucio.catalogue.errors import ServerRefusal, tidy, translate_errors
from nbrucio.catalogue.parse import did_of, label_of, row_of
from nbrucio.catalogue.session import RucioSession
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.errors import ConsentNeeded, OverBudget, UsageError

#: Comments on rules made by nbrucio, which distinguish them from the user's other rules.
COMMENT = "made by nbrucio stage"
UPLOAD_COMMENT = "made by nbrucio upload"


_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Rule:
    """One replication rule in its present state.

    Attributes:
        id: Rucio's rule id.
        did, rse: the DID, and the RSE expression that it is replicated to.
        state: Rucio's state: OK, REPLICATING, STUCK, SUSPENDED, WAITING_APPROVAL, INJECT.
        ok, replicating, stuck: number of files by the state of their lock.
        error: Rucio's reason for a stuck rule; None without one.
        expires: expiry in UTC; None when the rule does not expire.
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
        """Return this rule as a JSON-ready mapping."""
        expires = self.expires.strftime("%Y-%m-%dT%H:%M:%SZ") if self.expires else None
        return {**vars(self), "did": str(self.did), "expires": expires}


class Rules:
    """The user's rules at one instance.

    Methods raise the errors of `nbrucio.catalogue.errors.translate_errors`, `OverBudget` when the account's quota is
    exhausted, and `ConsentNeeded` when the account lacks permission.

    Args:
        instance: the Rucio server.
        session: returns the session with it.
    """

    def __init__(self, instance: Instance, session: Callable[[], RucioSession]) -> None:
        self._instance = instance
        self._session = session

    def find(self, did: Did, rse: str) -> Rule | None:
        """Return the user's rule for exactly this DID and RSE expression, one made by nbrucio first; else None."""
        session = self._session()
        with self._asking(did):
            rows = [row_of(row) for row in session.rows(rest.rules_on(did))]
            there = [row for row in rows if row["rse_expression"] == rse]
            own = [rule_of(row) for row in there if row["account"] == session.account()]
        return next(iter(sorted(own, key=lambda rule: not rule.ours)), None)

    def ours(self) -> list[Rule]:
        """Return all rules of the user that nbrucio made, newest first."""
        session = self._session()
        with translate_errors(self._instance):
            account = session.account()
            found = [
                row_of(row)
                for comment in (COMMENT, UPLOAD_COMMENT)
                for row in session.rows(rest.rules_of(account, comment))
            ]
            found.sort(key=lambda row: _parsed(row["created_at"]) or _LONG_AGO, reverse=True)
            return [rule_of(row) for row in found]

    def get(self, rule_id: str) -> Rule:
        """Return the rule with this id.

        Raises:
            UsageError: there is none.
        """
        with translate_errors(self._instance):
            try:
                return self._rule(rule_id)
            except ServerRefusal as error:
                if error.name == "RuleNotFound":
                    raise UsageError(
                        f"The rule {printable(rule_id)} does not exist in {self._instance.name}.",
                        subject=rule_id,
                        next_command="nbrucio stage --list NOTEBOOK",
                    ) from error
                raise

    def make(self, did: Did, rse: str, lifetime_s: int) -> tuple[Rule, bool]:
        """Create a rule for one copy at ``rse`` with a lifetime of ``lifetime_s`` seconds from now.

        Returns:
            The rule, and whether it is new: another process of the user may have made it meanwhile.
        """
        request = rest.make_rule(did, rse, lifetime_s, COMMENT)
        with self._asking(did):
            try:
                (rule_id,) = self._session().send(request)
            except ServerRefusal as error:
                present = self.find(did, rse) if error.name == "DuplicateRule" else None
                if present is None:
                    raise
                return present, False
            return self._rule(str(rule_id)), True

    def renew(self, rule: Rule, lifetime_s: int) -> Rule:
        """Set the lifetime of ``rule`` to ``lifetime_s`` seconds from now; return the updated rule."""
        with self._asking(rule.did):
            self._session().send(rest.renew_rule(rule.id, lifetime_s))
            return self._rule(rule.id)

    def refresh(self, rule: Rule) -> Rule:
        """Return the present state of ``rule``."""
        with self._asking(rule.did):
            return self._rule(rule.id)

    def remove(self, rule: Rule) -> None:
        """Remove ``rule``. Rucio deletes the replica when no other rule needs it."""
        with self._asking(rule.did):
            self._session().send(rest.remove_rule(rule.id))

    def files(self, rule: Rule) -> dict[Did, str]:
        """Return the lock state of each file of ``rule``: OK, REPLICATING or STUCK."""
        with self._asking(rule.did):
            rows = map(row_of, self._session().rows(rest.rule_files(rule.id)))
            return {did_of(row): label_of(row["state"]) for row in rows}

    def stuck(self, rule: Rule) -> dict[Did, str]:
        """Return the stuck files of ``rule``, each with Rucio's reason."""
        with self._asking(rule.did):
            found = row_of(self._session().first(rest.rule_analysis(rule.id)))
            return {did_of(row): _reason(row.get("last_error")) for row in map(row_of, found.get("transfers", []))}

    def _rule(self, rule_id: str) -> Rule:
        return rule_of(row_of(self._session().first(rest.rule(rule_id))))

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
                f"The rule for {did} exceeds your quota at {name}: {words}.",
                subject=str(did),
                hint="Remove rules that you no longer need, or ask the RSE's operators for more quota.",
                next_command="nbrucio stage --list NOTEBOOK",
            )
        if error.name == "InvalidRSEExpression":
            return UsageError(
                f"{name} has no RSE for this rule: {words}.",
                subject=str(did),
                hint="Choose an RSE of the list, or correct the RSE expression.",
            )
        if error.name == "AccessDenied":
            return ConsentNeeded(
                f"Your account lacks permission for the rule of {did} at {name}: {words}.",
                subject=str(did),
                hint="Ask the operators of this Rucio server for permission.",
            )
        return error


def _reason(error: object) -> str:
    # A file that Rucio never tried to transfer has the text "None".
    return "Rucio gives no reason" if error in (None, "", "None") else tidy(str(error))


def rule_of(row: Mapping[str, Any]) -> Rule:
    """Parse a row of Rucio's response."""
    expires = row["expires_at"]
    return Rule(
        id=label_of(row["id"]),
        did=did_of(row),
        rse=label_of(row["rse_expression"]),
        state=label_of(row["state"]),
        ok=int(row["locks_ok_cnt"]),
        replicating=int(row["locks_replicating_cnt"]),
        stuck=int(row["locks_stuck_cnt"]),
        error=tidy(str(row["error"])) if row["error"] else None,
        expires=_parsed(expires),
        ours=row.get("comments") in (COMMENT, UPLOAD_COMMENT),
    )


def _parsed(text: object) -> datetime | None:
    """Parse a time as Rucio's JSON writes it."""
    if not text:
        return None
    return datetime.strptime(str(text), "%a, %d %b %Y %H:%M:%S UTC").replace(tzinfo=timezone.utc)
