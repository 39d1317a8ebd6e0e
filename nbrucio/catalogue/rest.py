"""The questions of a sync, asked with the token of an earlier login and without rucio-clients.

Loading rucio-clients takes longer than what it is asked here. Only success is handled, and a server that cannot be
reached. Anything else is left to rucio-clients: it asks again, logs in, retries, and knows what went wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from nbrucio.catalogue import errors
from nbrucio.catalogue.token_cache import LoginTokens, is_about_token
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

#: Hosts whose URL every HTTP library sends as it is written.
_PLAIN_HOST = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*\Z")


#: Replicas nearby come first. It is what servers do by themselves today.
SORT = "geoip"


def describe(did: Did) -> Request:
    """What ``did`` is."""
    return Request("GET", f"/dids/{quote(did.scope, safe='')}/{quote(did.name, safe='')}")


def files(did: Did) -> Request:
    """The files of ``did``."""
    return Request("GET", f"{describe(did).path}/files")


def replicas(dids: Iterable[Did], schemes: Sequence[str], site: str | None) -> Request:
    """The replicas of each of ``dids``, in the words of ``ReplicaClient.list_replicas`` of rucio-clients 41."""
    words: dict[str, Any] = {
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
        words["client_location"] = {"site": site}
    return Request("POST", "/replicas/list", json.dumps(words).encode())


class Direct:
    """Asks one instance with a token that is there without a login. Threads may share it."""

    def __init__(self, instance: Instance, policy: Policy, tokens: LoginTokens) -> None:
        self._instance = instance
        self._tokens = tokens
        timeouts = Timeouts(policy.connect_timeout_s, policy.read_timeout_s)
        self._client = Client(instance.host, Tls(instance.ca_cert), timeouts)

    def ask(self, request: Request) -> Iterator[object] | None:
        """The rows of the answer as they come; None when rucio-clients has to be asked.

        Raises:
            Offline: the server cannot be reached, or its answer breaks off later.
            RucioRefused: the answer exceeds a limit, or what comes later is not Rucio's.
            BadConfig: there is no folder for tokens.
        """
        token = self._tokens.current() if _is_plain(self._instance) else None
        if token is None:
            return None
        try:
            answer = self._client.ask(request, self._headers(token))
            if answer.status == 200 and answer.kind in (JSON_LINES, JSON):
                return self._begun(answer.rows())
        except (GivenUp, NotConnected, Silent, TooLarge) as error:
            raise errors.of_http(error, self._instance) from error
        except (HttpError, ImportError):
            return None
        answer.close()
        if answer.status == 401 and is_about_token(answer.headers.get("ExceptionClass")):
            self._tokens.refuse(token)  # rucio-clients would try it once more
        return None

    def close(self) -> None:
        """Close the kept connections. Idempotent."""
        self._client.close()

    def _begun(self, rows: Iterator[object]) -> Iterator[object]:
        """``rows``, of which the first is here. None must have been given on when rucio-clients is asked instead."""
        nothing = object()
        first = next(rows, nothing)
        return iter(()) if first is nothing else self._rest(first, rows)

    def _rest(self, first: object, rows: Iterator[object]) -> Iterator[object]:
        yield first
        try:
            yield from rows
        except HttpError as error:
            raise errors.of_http(error, self._instance) from error

    def _headers(self, token: str) -> dict[str, str]:
        """What rucio-clients sends, too."""
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
    """Whether rucio-clients would show the token to the same URL."""
    return _PLAIN_HOST.match(instance.host) is not None
