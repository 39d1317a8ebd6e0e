"""rucio-clients with all settings passed explicitly. Importing this module imports rucio-clients, which takes a while.

Import it and create clients within `nbrucio.catalogue.auth.restored_process`.

`BaseClient` reads a rucio.cfg, environment variables and a token file, which fit at most one of several instances. Here
every setting is from the instance: methods with one leading underscore are overridden, and the rest is unchanged.
"""

from __future__ import annotations

import configparser
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from rucio.client.accountclient import AccountClient
from rucio.client.baseclient import BaseClient
from rucio.client.didclient import DIDClient
from rucio.client.replicaclient import ReplicaClient
from rucio.client.rseclient import RSEClient
from rucio.client.ruleclient import RuleClient
from rucio.client.scopeclient import ScopeClient
from rucio.common.constants import HTTPMethod

from nbrucio.catalogue.auth import Login
from nbrucio.catalogue.errors import ServerRefusal
from nbrucio.catalogue.login_errors import login_errors
from nbrucio.catalogue.login_tokens import LoginTokens, expiry, is_about_token
from nbrucio.catalogue.session import limit, rows
from nbrucio.config import Instance

_MAX_WORDS_BYTES = 64 * 1024


class BoundClient(BaseClient):  # type: ignore[misc]  # rucio ships no types
    """Binds a client of rucio-clients to one instance. Logs in when it is created, unless there is a saved token.

    Args:
        instance: the Rucio server.
        login: the credentials to use without a token.
        tokens: tokens to try first; saves the token of a login.
        timeout_s: seconds to connect, and between two pieces of a response.

    Raises:
        Exception: the errors that `nbrucio.catalogue.errors.translate_errors` translates.
    """

    REQUEST_RETRIES = 0  # means one retry after a broken connection; a persistent one may break at any time

    def __init__(self, instance: Instance, login: Login, tokens: LoginTokens, timeout_s: tuple[float, float]) -> None:
        self._instance = instance
        self._login = login
        self._tokens = tokens
        self._expires_at: float | None = None
        self._last = threading.local()
        self._session: requests.Session | None = None
        self._former: list[requests.Session] = []
        self._logging_in = threading.RLock()
        try:
            super().__init__(
                rucio_host=instance.host,
                auth_host=instance.auth_host,
                account=instance.account or "",  # None would mean RUCIO_ACCOUNT or rucio.cfg
                ca_cert=str(instance.ca_cert) if instance.ca_cert else True,  # None would disable verification
                auth_type=instance.auth_type,
                creds=login.creds,
                timeout=timeout_s,
                user_agent="nbrucio rucio-clients",  # rucio-clients appends its version
                vo=instance.vo,
                logger=_silent(),
            )
        except configparser.Error:
            # The last step of __init__ reads `request_retries` from a rucio.cfg, and fails on a file with no or two
            # sections [client].
            if not self.auth_token:
                raise
        self.request_retries = self.REQUEST_RETRIES

    @property
    def session(self) -> requests.Session:
        """The HTTP session. `BaseClient` takes a new one after each rejected token. Other threads may still read from
        the old one, so all are closed together, at the end.
        """
        assert self._session is not None
        return self._session

    @session.setter
    def session(self, session: requests.Session) -> None:
        """The HTTP session. `BaseClient` sets a new one after each rejected token without closing the old one."""
        limit(session)
        session.hooks["response"].append(self._note)
        if self._session is not None:
            self._former.append(self._session)
        self._session = session

    def _note(self, response: requests.Response, **_: object) -> None:
        self._last.refusal = (
            None
            if response.status_code != 401
            else ServerRefusal(
                response.headers.get("ExceptionClass", ""), response.headers.get("ExceptionMessage", ""), 401
            )
        )
        self._last.token = response.request.headers.get("X-Rucio-Auth-Token")

    def close_session(self) -> None:
        """Close the connections."""
        for session in (*self._former, *filter(None, [self._session])):
            session.close()

    def _get_creds(self, creds: dict[str, Any] | None) -> dict[str, Any]:
        return dict(creds or {})  # already complete; the original searches the environment and a rucio.cfg

    def _get_auth_tokens(self) -> tuple[str | None, str, str, str]:
        # The last call before the login, and so the place to correct what __init__ read from elsewhere.
        self.account = self._instance.account
        self.script_id = "nbrucio"  # instead of the command line's first words, which every request would send
        self.auth_oidc_refresh_active = False
        return None, "", "", ""  # paths of a token file, replaced by the three methods below

    # The next three methods are private to BaseClient. The originals read a token from the environment whatever the
    # arguments, and save it in a file without its expiry. Tests with a real login fail if they are renamed.

    def _BaseClient__read_token(self) -> bool:  # noqa: N802
        self.auth_token = self._tokens.current()
        if self.auth_token is None:
            return False
        self.headers["X-Rucio-Auth-Token"] = self.auth_token
        return True

    def _BaseClient__get_token(self) -> None:  # noqa: N802
        # Called without a token, or when the present one was rejected: try the next token before a login.
        # Of several threads, one logs in.
        with self._logging_in:
            shown = getattr(self._last, "token", None)
            if self.auth_token is None or shown is None or shown == self.auth_token:
                self._next_token()

    def _next_token(self) -> None:
        if self.auth_token is not None:
            refusal: ServerRefusal | None = getattr(self._last, "refusal", None)
            if refusal is not None and not is_about_token(refusal.name):
                raise refusal  # no other token would be allowed either
            self._tokens.refuse(self.auth_token)
        if self._BaseClient__read_token():
            return
        if self._login.problem is not None:
            raise self._login.problem
        self._tokens.begin_login()
        with login_errors(self._instance, self._login.creds):
            super()._BaseClient__get_token()

    def _BaseClient__write_token(self) -> None:  # noqa: N802
        assert self.auth_token is not None
        self._tokens.save(self.auth_token, self._expires_at)

    def _get_exception(
        self, headers: Mapping[str, str], status_code: int | None = None, data: str | bytes | None = None
    ) -> tuple[Callable[[str], Exception], str]:
        # The original looks up the name that the server sends in rucio.common.exception and calls it.
        facts = _json_object(data)
        name = facts.get("ExceptionClass") or headers.get("ExceptionClass") or ""
        words = facts.get("ExceptionMessage") or headers.get("ExceptionMessage") or ""
        return lambda text: ServerRefusal(str(name), text, status_code), str(words)

    def _load_json_data(self, response: requests.Response) -> Iterator[Any]:
        # Unlike the original: limits apply, a name that looks like a date stays text, a malformed response is an error,
        # and the connection is released even when the caller stops early.
        return rows(response)

    def _send_request(self, url: str, method: HTTPMethod, **options: object) -> requests.Response:
        if url.startswith(f"{self.auth_host}/auth/oidc") and not _at_terminal():
            raise self._tokens.none_left()
        path, mark, query = url.partition("?")
        # `quote_plus` encodes a space as +, which in a path means a plus.
        response = super()._send_request(path.replace("+", "%20") + mark + query, method, **options)
        assert isinstance(response, requests.Response)
        if "X-Rucio-Auth-Token" in response.headers:
            self._expires_at = expiry(response.headers)
        return response


class _OtherCalls(AccountClient, RSEClient, ScopeClient):  # type: ignore[misc]
    """Calls for accounts, RSEs and scopes."""


class InstanceClient(BoundClient, DIDClient, ReplicaClient, RuleClient, _OtherCalls):  # type: ignore[misc]
    """All calls that nbrucio uses."""


def _silent() -> logging.Logger:
    """Return a logger without output: errors are raised, and debug lines would contain passwords."""
    logger = logging.Logger("nbrucio.rucio-clients", logging.CRITICAL + 1)
    logger.addHandler(logging.NullHandler())
    return logger


def _json_object(data: str | bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(data[:_MAX_WORDS_BYTES]) if data else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _at_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
