"""Logged-in requests to one Rucio server: with the best token there is, after a login where there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from nbrucio.catalogue.errors import refusal_of
from nbrucio.catalogue.login import log_in
from nbrucio.catalogue.login_requests import account_in, headers_of
from nbrucio.catalogue.login_tokens import LoginTokens, is_about_token
from nbrucio.config import Config, Instance, Policy
from nbrucio.core.cancellation import given_up
from nbrucio.http import Client, GivenUp, Malformed, Request, Response, Timeouts, Tls, body

#: Largest number of tokens that one request tries, and how often it is sent to a server that is busy.
_MAX_TOKENS, _MAX_BUSY = 5, 3
_BUSY = (502, 503, 504)
_WAIT_S = 0.25
_GOOD = (200, 201)


class RucioSession:
    """The requests of one login. Thread-safe: threads share its connections, and of several one logs in.

    Methods raise `nbrucio.catalogue.errors.ServerRefusal`, `nbrucio.http.HttpError` and the errors of a login.

    Args:
        instance: the Rucio server.
        policy: time limits.
        tokens: tokens to try before a login.
        environ: the environment, where credentials may be.
        config: the configuration that the instance is part of; None when there are no others.
    """

    def __init__(
        self,
        instance: Instance,
        policy: Policy,
        tokens: LoginTokens,
        environ: Mapping[str, str],
        config: Config | None = None,
    ) -> None:
        timeouts = Timeouts(policy.connect_timeout_s, policy.read_timeout_s)
        self._instance = instance
        self._tokens = tokens
        self._client = Client(instance.host, Tls(instance.ca_cert), timeouts)
        self._timeouts = timeouts
        self._environ = environ
        self._config = config
        self._account = instance.account

    def rows(self, request: Request) -> Iterator[object]:
        """Send ``request`` at once; yield the JSON values of the answer as they arrive."""
        return self._good_answer(request).rows()

    def first(self, request: Request) -> Any:  # noqa: ANN401 - the caller checks what the server sends
        """Return the JSON value of the answer, the first one of several."""
        for value in self.rows(request):
            return value
        raise Malformed("the answer is empty")

    def send(self, request: Request) -> Any:  # noqa: ANN401
        """Send a change; return the JSON value of the answer, None without one. Servers call it text or HTML."""
        content = self._good_answer(request).content()
        return body.parse(content) if content.strip() else None

    def account(self) -> str:
        """Return the name of the account; where none is configured, that of the account which the server chose."""
        if self._account is None:
            self._account = self.whoami()
        return self._account

    def whoami(self) -> str:
        """Return the account that the server takes the login for; it names it in a redirect, which is not followed."""
        return account_in(self._answer(Request("GET", "/accounts/whoami")))

    def close(self) -> None:
        """Close the connections. A later request connects anew. Idempotent."""
        self._client.close()

    def _good_answer(self, request: Request) -> Response:
        answer = self._answer(request)
        if answer.status not in _GOOD:
            raise refusal_of(answer)
        return answer

    def _answer(self, request: Request) -> Response:
        """Return the answer, of any status, to the first token that is not refused and when the server has time."""
        refused = busy = 0
        while True:
            token = self.token()
            headers = headers_of(self._instance) | {"X-Rucio-Auth-Token": token}
            answer = self._client.ask(request, headers)
            if answer.status in _BUSY and busy + 1 < _MAX_BUSY:
                _pause(_WAIT_S * 2**busy)
                busy += 1
            elif (
                answer.status == 401
                and is_about_token(answer.headers.get("ExceptionClass"))
                and refused + 1 < _MAX_TOKENS
            ):
                self._tokens.refuse(token)
                refused += 1
            else:
                return answer
            answer.close()

    def token(self) -> str:
        """Return a token: the best one there is, or that of a login."""
        # Of all threads and processes with this login one logs in, and the others find the token that it saved.
        token = self._tokens.current()
        if token is None:
            with self._tokens.one_login():
                token = self._tokens.current() or self._log_in()
        return token

    def _log_in(self) -> str:
        if self._instance.auth_type == "oidc":  # a login in a browser is for `nbrucio login`
            raise self._tokens.none_left()
        self._tokens.begin_login()
        issued = log_in(self._instance, self._environ, self._timeouts, self._config)
        self._tokens.save(*issued)
        return issued.token


def _pause(wait_s: float) -> None:
    """Wait before the next attempt, unless the request is cancelled."""
    cancelled = given_up()
    if cancelled is None:
        time.sleep(wait_s)
    elif cancelled.wait(wait_s):
        raise GivenUp("the request was cancelled")
