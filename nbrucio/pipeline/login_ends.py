"""Warnings about logins that end soon, before work is lost to them. No network."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from nbrucio.catalogue.errors import login_command
from nbrucio.catalogue.login_facts import LoginFacts, login_facts
from nbrucio.catalogue.login_tokens import LoginTokens
from nbrucio.config import Config, Instance
from nbrucio.core.requirement import Requirement
from nbrucio.core.text import human_moment, human_seconds
from nbrucio.errors import CredentialsRejected, NbrucioError
from nbrucio.notebook.declared import read_declared

#: Seconds before its end at which a credential of each kind is named. Proxies and certificates live for half a day and
#: longer; tokens often for an hour only, and hubs replace them minutes before their end.
SOON_S = {"proxy": 3600.0, "certificate": 3600.0, "token": 600.0, "saved-token": 600.0}
_SUBJECTS = {"proxy": "The proxy {} for", "certificate": "The certificate {} for", "token": "The token in {} for"}


def ending_logins(
    notebooks: Iterable[os.PathLike[str]], config: Config, environ: Mapping[str, str]
) -> Iterator[NbrucioError]:
    """Yield what `ending_login` says of each instance that the notebooks declare; nothing if one is unreadable."""
    return ending_logins_of(_declared(notebooks), config, environ)


def ending_logins_of(
    requirements: Iterable[Requirement], config: Config, environ: Mapping[str, str]
) -> Iterator[NbrucioError]:
    """Yield what `ending_login` says of each instance of ``requirements``; nothing if one is not configured."""
    try:
        instances = _each(requirements, config)
    except NbrucioError:
        return  # the status of the notebooks has it
    for instance in instances:
        found = ending_login(instance, config, environ)
        if found is not None:
            yield found


def instances_of(notebooks: Iterable[os.PathLike[str]], config: Config) -> Sequence[Instance]:
    """Return the instances that the declarations of ``notebooks`` need, each once.

    Raises:
        NbrucioError: a notebook cannot be read, or an instance is not configured.
    """
    return _each(_declared(notebooks), config)


def _declared(notebooks: Iterable[os.PathLike[str]]) -> Iterator[Requirement]:
    for path in notebooks:
        yield from read_declared(Path(path)).declaration.requirements


def _each(requirements: Iterable[Requirement], config: Config) -> Sequence[Instance]:
    instances = (config.instance(requirement.instance) for requirement in requirements)
    return tuple({one.name: one for one in instances}.values())


def ending_login(instance: Instance, config: Config, environ: Mapping[str, str]) -> NbrucioError | None:
    """Return a warning if the login to ``instance`` ends soon or has ended; None otherwise, and if no end is known."""
    try:
        used = LoginTokens(instance, environ, config).supplied() if instance.auth_type == "oidc" else None
        facts = login_facts(instance, environ, used)
    except NbrucioError:
        return None  # the login reports it
    if facts.ends_at is None:
        return None
    left_s = facts.ends_at - time.time()
    if left_s > SOON_S.get(facts.kind, 0):
        return None
    place = facts.file or facts.variable
    what = _SUBJECTS[facts.kind].format(place) if facts.kind in _SUBJECTS and place else "The login to"
    when = f"ends in {human_seconds(left_s)}" if left_s > 0 else f"ended {human_seconds(-left_s)} ago"
    return CredentialsRejected(
        f"{what} {instance.name} {when} ({human_moment(facts.ends_at)}).",
        subject=instance.name,
        hint=_hint(instance, facts),
        next_command=login_command(instance) if facts.kind != "token" else None,
    )


def _hint(instance: Instance, facts: LoginFacts) -> str | None:
    """Return what renews the credential where no command of nbrucio does."""
    if facts.variable is not None:
        return f"A running session keeps the value of {facts.variable}: start a new session."
    if facts.kind == "token":
        return "nbrucio reads the file again when it is replaced; if nothing does that, start a new session."
    return None if login_command(instance) else f"Renewed by {facts.renewed_by}."
