"""Report the login at each instance: who the user is there, by which credential, until when, and what renews it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone

from nbrucio.catalogue.login_facts import LoginFacts, login_facts
from nbrucio.catalogue.login_tokens import UsableToken
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Config, Instance
from nbrucio.errors import BadConfig, CredentialsRejected, NbrucioError, Offline

#: Instances that are asked at once: one that does not answer must not delay the others.
_AT_ONCE = 8


@dataclass(frozen=True)
class LoginRow:
    """The login at one instance.

    Attributes:
        name: the instance's short name.
        state: active, ended (the user must log in), unreachable, unchecked (no network allowed) or failed.
        instance: None where the configuration is wrong.
        account: the account that the server sees; that of the configuration where it was not asked.
        facts: the credential; None where the configuration is wrong.
        error: why the state is not active.
    """

    name: str
    state: str
    instance: Instance | None = None
    default: bool = False
    account: str | None = None
    facts: LoginFacts | None = None
    error: NbrucioError | None = None

    def as_json(self) -> dict[str, object]:
        """The login as a JSON object; its keys are documented in docs/whoami.md."""
        instance, facts = self.instance, self.facts
        return {
            "instance": self.name,
            "server": instance.identity if instance else None,
            "host": instance.host if instance else None,
            "vo": instance.vo if instance else None,
            "auth_type": instance.auth_type if instance else None,
            "default": self.default,
            "state": self.state,
            "account": self.account,
            "identity": facts.identity if facts else None,
            "by": facts
            and {
                "kind": facts.kind,
                "file": str(facts.file) if facts.file else None,
                "variable": facts.variable,
            },
            "until": _iso(facts.ends_at) if facts else None,
            "renewed_by": facts.renewed_by if facts else None,
            "error": self.error.as_json() if self.error else None,
        }


def who_am_i(instance: Instance, config: Config, environ: Mapping[str, str] | None = None) -> LoginRow:
    """Ask the server of ``instance`` who the user is; logs in where the credentials suffice. Never raises."""
    environ = os.environ if environ is None else environ
    account, used, error, state = instance.account, None, None, "active"
    with closing(RucioCatalogue(instance, config.policy, environ=environ, config=config)) as catalogue:
        try:
            account, used = catalogue.whoami()
        except NbrucioError as problem:
            error, state = problem, _state_of(problem, config)
    facts, problem_here = _facts(instance, environ, used)
    is_default = config.default is not None and config.default.name == instance.name
    return LoginRow(instance.name, state, instance, is_default, account, facts, error or problem_here)


def logins(config: Config, environ: Mapping[str, str] | None = None) -> list[LoginRow]:
    """The logins at all configured instances, in order, and the instances that cannot be used."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows = list(pool.map(lambda one: who_am_i(one, config, environ), config.instances))
    return rows + [LoginRow(fault.name, "failed", error=fault.error) for fault in config.faults]


def errors_in(rows: Iterable[LoginRow]) -> list[NbrucioError]:
    """The errors of logins that do not work; a login that was not checked has none."""
    return [row.error for row in rows if row.error is not None and row.state != "unchecked"]


def _state_of(error: NbrucioError, config: Config) -> str:
    if isinstance(error, CredentialsRejected):
        return "ended"
    if isinstance(error, Offline):
        return "unchecked" if config.policy.offline else "unreachable"
    return "failed"


def _facts(
    instance: Instance, environ: Mapping[str, str], used: UsableToken | None
) -> tuple[LoginFacts | None, NbrucioError | None]:
    try:
        return login_facts(instance, environ, used), None
    except BadConfig as error:
        return None, error


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(int(moment), timezone.utc).isoformat()
