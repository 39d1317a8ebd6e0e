"""Asks a Rucio server, without a login, whether it answers, and compares its clock with this machine's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from nbrucio.catalogue.errors import tidy
from nbrucio.catalogue.network_errors import (
    BUSY,
    REDIRECTS,
    http_error,
    not_rucio,
    out_of_reach,
    redirected,
    switched_offline,
)
from nbrucio.config import Instance, Policy
from nbrucio.errors import NbrucioError
from nbrucio.http import Client, HttpError, Request, Timeouts, Tls

_PING, _ACCEPT = Request("GET", "/ping"), {"Accept": "application/json"}


class Ping(NamedTuple):
    """The answer of a server.

    Attributes:
        version: Rucio's version.
        clock_s: how many seconds this machine's clock is ahead of the server's; None if the server sends no time.
        certificate_ends_at: when its TLS certificate ends, in seconds since the epoch; None without TLS.
    """

    version: str
    clock_s: float | None
    certificate_ends_at: float | None = None


def ping(instance: Instance, policy: Policy) -> Ping:
    """Ask the server of ``instance`` for its version.

    Raises:
        Offline: it cannot be reached, its certificate is not accepted, or nbrucio works offline.
        RucioRefused: it is not a Rucio server.
        BadConfig: the CA file of the instance cannot be read.
    """
    if policy.offline:
        raise switched_offline(instance, "ask")
    try:
        with closing(_client(instance.host, instance, policy)) as client:
            response = client.ask(_PING, _ACCEPT)
            clock_s, ends_at = _clock(response.headers), response.certificate_ends_at()
            if response.status != 200:
                response.close()
                raise _not_answered(instance, response.status, response.headers.get("Location"))
            answer = next(response.rows(), None)
    except HttpError as error:
        raise http_error(error, instance) from error
    version = answer.get("version") if isinstance(answer, dict) else None
    if not isinstance(version, str):
        raise not_rucio(instance)
    return Ping(tidy(version), clock_s, ends_at)


def login_certificate(instance: Instance, policy: Policy) -> float | None:
    """Return when the TLS certificate of the login server ends, in seconds since the epoch; None without TLS.

    Raises:
        Offline: it cannot be reached, or its certificate is not accepted.
        BadConfig: the CA file of the instance cannot be read.
    """
    try:
        with closing(_client(instance.auth_host, instance, policy)) as client:
            response = client.ask(_PING, _ACCEPT)  # any answer will do
            ends_at = response.certificate_ends_at()
            response.close()
    except HttpError as error:
        raise http_error(error, instance._replace(host=instance.auth_host)) from error
    return ends_at


def _client(url: str, instance: Instance, policy: Policy) -> Client:
    return Client(url, Tls(instance.ca_cert), Timeouts(policy.connect_timeout_s, policy.read_timeout_s))


def _not_answered(instance: Instance, status: int, location: str | None) -> NbrucioError:
    if status in REDIRECTS and location:
        return redirected(location, instance)
    if status in BUSY:
        return out_of_reach(instance, f"HTTP status {status}", "Try again in a few minutes.")
    return not_rucio(instance)


def _clock(headers: Mapping[str, str]) -> float | None:
    try:
        return time.time() - parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return None
