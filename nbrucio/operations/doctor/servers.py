"""Whether the Rucio servers answer, whether the clocks agree, and how long the logins last."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from nbrucio.catalogue.ping import Ping, login_certificate, ping
from nbrucio.config import Config, Instance
from nbrucio.core.text import human_age, human_moment, human_seconds
from nbrucio.errors import NbrucioError
from nbrucio.operations.configure import CLOCK_TOLERANCE_S, clock_words
from nbrucio.operations.doctor.values import Finding, Verdict
from nbrucio.operations.whoami import LoginRow
from nbrucio.pipeline.preflight import credential_ends

_AT_ONCE = 8
#: A login with less time left is worth a warning.
SOON_S = 3600.0
#: A server's certificate with less time left is worth a warning: its operators need some days.
_SERVER_SOON_S = 7 * 24 * 3600.0
_OFFLINE = "nbrucio works offline, so it was not asked."


class Pings(NamedTuple):
    """The answers of the servers.

    Attributes:
        findings: for each instance about its server and its login server.
        answers: those that answered, by the instance's name.
    """

    findings: tuple[Finding, ...]
    answers: dict[str, Ping]


def servers(config: Config) -> Pings:
    """Ask each server for its version."""
    if config.policy.offline:
        findings = (Finding(instance.name, Verdict.UNCHECKED, _OFFLINE) for instance in config.instances)
        return Pings(tuple(findings), {})
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        results = list(pool.map(lambda instance: _ping_or_error(instance, config), config.instances))
    named = list(zip(config.instances, results, strict=True))
    answers = {instance.name: found for instance, found in named if isinstance(found, Ping)}
    findings = (finding for instance, found in named for finding in _server(instance, found, config))
    return Pings(tuple(findings), answers)


def _ping_or_error(instance: Instance, config: Config) -> Ping | NbrucioError:
    try:
        return ping(instance, config.policy)
    except NbrucioError as error:
        return error


def _server(instance: Instance, found: Ping | NbrucioError, config: Config) -> Iterator[Finding]:
    if isinstance(found, NbrucioError):
        yield Finding.of(instance.name, found)
        return
    yield Finding(instance.name, Verdict.OK, f"{instance.host} answers: Rucio {found.version}.")
    yield from certificate(instance.name, instance.host, found.certificate_ends_at)
    if instance.auth_host != instance.host:
        try:
            yield from certificate(instance.name, instance.auth_host, login_certificate(instance, config.policy))
        except NbrucioError as error:
            yield Finding.of(instance.name, error)


def certificate(
    subject: str, url: str, ends_at: float | None, whose: str = "of this Rucio server"
) -> Iterator[Finding]:
    """Yield when the TLS certificate of a server ends; ``whose`` are the operators who renew it."""
    if ends_at is None:
        return
    left_s = ends_at - time.time()
    text = f"The certificate of {url} ends at {human_moment(ends_at)}"
    if left_s > _SERVER_SOON_S:
        yield Finding(subject, Verdict.OK, f"{text}.")
    else:
        text = f"{text}: {human_age(left_s)} left."
        yield Finding(subject, Verdict.WARNING, text, f"Ask the operators {whose} to renew it.")


def clocks(pings: Pings) -> Iterator[Finding]:
    """Yield how this machine's clock differs from those of the servers that sent the time."""
    for name, answer in pings.answers.items():
        if answer.clock_s is None:
            yield Finding(name, Verdict.UNCHECKED, "The server does not send its time.")
        elif abs(answer.clock_s) <= CLOCK_TOLERANCE_S:
            yield Finding(name, Verdict.OK, clock_words(answer.clock_s))
        else:
            yield Finding(name, Verdict.WARNING, clock_words(answer.clock_s), "Correct the clock of this machine.")


def logins(config: Config, rows: Sequence[LoginRow]) -> Iterator[Finding]:
    """Yield the login at each instance, and a warning for one that ends soon."""
    if config.policy.offline:
        yield from (Finding(instance.name, Verdict.UNCHECKED, _OFFLINE) for instance in config.instances)
    for row in rows:
        if row.instance is None:
            continue  # the configuration is wrong, which is reported there
        if row.error is not None:
            yield Finding.of(row.name, row.error)
        else:
            yield _login(row)
        yield from _storage(row.instance, config)


def _storage(instance: Instance, config: Config) -> Iterator[Finding]:
    """Yield when the proxy or token for the storage of an instance ends, which need not be those of its login."""
    try:
        ends = credential_ends(instance, config, os.environ)
    except NbrucioError:
        return  # the login has the same error
    for name, end in ends.items():
        left_s = end - time.time()
        text = f"{name} for storage ends at {human_moment(end)}"
        if left_s > SOON_S:
            yield Finding(instance.name, Verdict.OK, f"{text}.")
        else:
            text = f"{text}: {human_seconds(max(0.0, left_s))} left."
            yield Finding(instance.name, Verdict.WARNING, text, "Renew it before a long download.")


def _login(row: LoginRow) -> Finding:
    facts = row.facts
    by = f" by {facts.kind}" if facts else ""
    place = f" {facts.file or facts.variable}" if facts and (facts.file or facts.variable) else ""
    text = f"Logged in as {row.account}{by}{place}"
    if facts is None or facts.ends_at is None:
        return Finding(row.name, Verdict.OK, f"{text}.")
    left_s = facts.ends_at - time.time()
    text = f"{text}, until {human_moment(facts.ends_at)}"
    if left_s > SOON_S:
        return Finding(row.name, Verdict.OK, f"{text}.")
    return Finding(row.name, Verdict.WARNING, f"{text}: {human_seconds(max(0.0, left_s))} left.", *renewal(row))


def renewal(row: LoginRow) -> tuple[str | None, str | None]:
    """Return the hint and the command that renew a login."""
    how = row.facts.renewed_by if row.facts else "nbrucio login"
    if how == "nbrucio login":
        return None, f"nbrucio login {row.name}"
    if how in ("voms-proxy-init", "kinit"):
        return None, how
    return f"It is renewed by {how}.", None
