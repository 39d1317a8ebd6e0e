"""Logged-in requests to one Rucio server: with the best token there is, after a login where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nbrucio.catalogue.login import log_in
from nbrucio.catalogue.login_requests import WHOAMI, account_in, headers_of
from nbrucio.catalogue.login_tokens import LoginTokens, is_about_token
from nbrucio.catalogue.refusals import patiently, refusal_of
from nbrucio.config import Config, Instance, Policy
from nbrucio.http import Client, Malformed, Request, Response, Timeouts, Tls, body

#: Largest number of tokens that one request tries.
_MAX_TOKENS = 5
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
        return account_in(self._answer(Request("GET", WHOAMI)))

    def close(self) -> None:
        """Close the connections. A later request connects anew. Idempotent."""
        self._client.close()

    def _good_answer(self, request: Request) -> Response:
        answer = self._answer(request)
        if answer.status not in _GOOD:
            raise refusal_of(answer)
        return answer

    def _answer(self, request: Request) -> Response:
        """Return the answer, of any status, to the first token that is not refused and when the server has time.

        A request logs in at most once: a server that refuses also the new token would refuse every one.
        """
        for tried in range(1, _MAX_TOKENS + 1):
            token, is_new = self._token()
            headers = headers_of(self._instance) | {"X-Rucio-Auth-Token": token}
            answer = patiently(lambda: self._client.ask(request, headers))  # noqa: B023 called at once
            if answer.status != 401 or not is_about_token(answer.headers.get("ExceptionClass")):
                break
            self._tokens.refuse(token)
            if is_new or tried == _MAX_TOKENS:
                break
            answer.close()
        return answer

    def token(self) -> str:
        """Return a token: the best one there is, or that of a login."""
        return self._token()[0]

    def _token(self) -> tuple[str, bool]:
        """Return what `token` returns, and whether this call logged in for it."""
        # Of all threads and processes with this login one logs in, and the others find the token that it saved.
        token = self._tokens.current()
        if token is not None:
            return token, False
        with self._tokens.one_login():
            token = self._tokens.current()
            return (self._log_in(), True) if token is None else (token, False)

    def _log_in(self) -> str:
        if self._instance.auth_type == "oidc":  # a login in a browser is for `nbrucio login`
            raise self._tokens.none_left()
        self._tokens.begin_login()
        issued = log_in(self._instance, self._environ, self._timeouts, self._config)
        self._tokens.save(*issued)
        return issued.token
