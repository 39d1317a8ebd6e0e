"""The requests of a sync, sent with a saved token and without rucio-clients.

Importing rucio-clients takes longer than the requests themselves. This module handles success and unreachable servers.
In all other cases rucio-clients repeats the request, logs in, retries and reports errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from nbrucio.catalogue.login_tokens import LoginTokens, is_about_token
from nbrucio.catalogue.network_errors import http_error
from nbrucio.config import Instance, Policy
from nbrucio.core.did import Did
from nbrucio.http import (
    JSON,
    JSON_LINES,
    Client,
    GivenUp,
    HttpError,
    NotConnected,
    Request,
    Silent,
    Timeouts,
    Tls,
    TooLarge,
)
from nbrucio.version import __version__

#: URLs that every HTTP library sends unchanged.
_PLAIN_HOST = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*\Z")


#: Nearest replicas first, which is also today's default of Rucio servers.
SORT = "geoip"


def describe(did: Did) -> Request:
    """Return the request for type, openness and totals of ``did``."""
    return Request("GET", f"/dids/{quote(did.scope, safe='')}/{quote(did.name, safe='')}")


def files(did: Did) -> Request:
    """Return the request for the files of ``did``."""
    return Request("GET", f"{describe(did).path}/files")


def replicas(dids: Iterable[Did], schemes: Sequence[str], site: str | None) -> Request:
    """Return the request for replicas of ``dids``, as ``ReplicaClient.list_replicas`` of rucio-clients 41 sends it."""
    body: dict[str, Any] = {
        "dids": [{"scope": did.scope, "name": did.name} for did in dids],
        "domain": None,
        "sort": SORT,
        "schemes": list(schemes),
        "ignore_availability": False,
        "all_states": False,
        "resolve_archives": False,
        "resolve_parents": False,
    }
    if site:
        body["client_location"] = {"site": site}
    return Request("POST", "/replicas/list", json.dumps(body).encode())


class Direct:
    """Asks one instance with a token that needs no login. Thread-safe."""

    def __init__(self, instance: Instance, policy: Policy, tokens: LoginTokens) -> None:
        self._instance = instance
        self._tokens = tokens
        timeouts = Timeouts(policy.connect_timeout_s, policy.read_timeout_s)
        self._client = Client(instance.host, Tls(instance.ca_cert), timeouts)

    def ask(self, request: Request) -> Iterator[object] | None:
        """Return the rows of the response as they arrive; None when rucio-clients must be asked instead.

        Raises:
            Offline: the server cannot be reached, or the response ends early.
            RucioRefused: the response exceeds a limit, or a later row is malformed.
            BadConfig: the folder for tokens cannot be created.
        """
        token = self._tokens.current() if _is_plain(self._instance) else None
        if token is None:
            return None
        try:
            answer = self._client.ask(request, self._headers(token))
            if answer.status == 200 and answer.kind in (JSON_LINES, JSON):
                return self._once_begun(answer.rows())
        except (GivenUp, NotConnected, Silent, TooLarge) as error:
            raise http_error(error, self._instance) from error
        except (HttpError, ImportError):
            return None
        answer.close()
        if answer.status == 401 and is_about_token(answer.headers.get("ExceptionClass")):
            self._tokens.refuse(token)  # otherwise rucio-clients would send it again
        return None

    def close(self) -> None:
        """Close the connections. Idempotent."""
        self._client.close()

    def _once_begun(self, rows: Iterator[object]) -> Iterator[object]:
        """Yield ``rows``, the first of which has arrived.

        Fall back to rucio-clients only before the first row was yielded.
        """
        nothing = object()
        first = next(rows, nothing)
        return iter(()) if first is nothing else self._rest(first, rows)

    def _rest(self, first: object, rows: Iterator[object]) -> Iterator[object]:
        yield first
        try:
            yield from rows
        except HttpError as error:
            raise http_error(error, self._instance) from error

    def _headers(self, token: str) -> dict[str, str]:
        """Return the headers that rucio-clients sends."""
        headers = {
            "X-Rucio-Auth-Token": token,
            "X-Rucio-VO": self._instance.vo,
            "X-Rucio-Script": "nbrucio",
            "User-Agent": f"nbrucio/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
            "Connection": "Keep-Alive",
        }
        return headers if self._instance.account is None else {**headers, "X-Rucio-Account": self._instance.account}


def _is_plain(instance: Instance) -> bool:
    """Return whether rucio-clients would send the token to the same URL."""
    return _PLAIN_HOST.match(instance.host) is not None
