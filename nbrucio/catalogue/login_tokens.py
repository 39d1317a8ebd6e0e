"""The tokens for the Rucio server of one instance: those that the user supplies, and those of earlier logins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import timezone
from typing import NamedTuple

from nbrucio.catalogue.bearer import (
    NEVER_S,
    TokenPlace,
    ambient,
    belongs_to,
    claims,
    discovered,
    wanted_audience,
)
from nbrucio.catalogue.errors import rejected
from nbrucio.catalogue.fingerprint import key_of
from nbrucio.catalogue.login_errors import https_only
from nbrucio.catalogue.token_cache import TOKEN, forget_token, save_token, saved_token, token_file
from nbrucio.config import Config, Instance
from nbrucio.disk.locks import locked
from nbrucio.errors import CredentialsRejected, MissingDependency

#: Seconds to wait for another process that logs in. One that hangs must not stop the others.
_LOCK_S = 30.0


class Issued(NamedTuple):
    """A token that a server issued.

    Attributes:
        token: the token.
        expires_at: its expiry in seconds since the epoch; None when the server does not say.
    """

    token: str
    expires_at: float | None


class LoginTokens:
    """The tokens to try for the Rucio server of one instance, best first. Thread-safe.

    With an OIDC login: the tokens of ``token_env`` and ``token_file``, then the discovered one if it belongs to this
    instance, then the saved one. With any other login: the saved one. Supplied tokens are used there only when
    credentials are missing.

    Args:
        instance: the Rucio server.
        environ: the environment.
        config: the configuration that ``instance`` is part of; None when there are no others.
        renew: renews the saved token if it ends soon, see `nbrucio.catalogue.renewal`.
    """

    def __init__(
        self,
        instance: Instance,
        environ: Mapping[str, str],
        config: Config | None = None,
        renew: Callable[[], object] = lambda: None,
    ) -> None:
        self._instance = instance
        self._environ = environ
        self._config = config
        self._renew = renew
        self._refused: set[str] = set()
        self._login_key: str | None = None
        self._issued: str | None = None
        self._logging_in = threading.RLock()

    def current(self) -> str | None:
        """Return the best token that was not rejected; None when a login is needed.

        Raises:
            BadConfig: the private folder cannot be created.
            CredentialsRejected: the configured command that prints the token failed.
        """
        found = self.in_use()
        return None if found is None else found.token

    def in_use(self) -> UsableToken | None:
        """Return the token that `current` returns, with its place."""
        self._renew()
        return next((one for one in self._candidates() if one.token not in self._refused), None)

    def supplied(self) -> UsableToken | None:
        """Return the user's own token for this instance; None without one."""
        return next(self._supplied(), None)

    @contextmanager
    def one_login(self) -> Iterator[None]:
        """Let one thread and process at a time log in, in the block; the others then find the token that it saved."""
        with self._logging_in, ExitStack() as held:
            with suppress(OSError, MissingDependency):  # the lock only saves logins
                held.enter_context(locked(token_file(self._instance, self._environ), _LOCK_S))
            yield

    def refuse(self, token: str) -> None:
        """Record that the server rejected ``token``; remove it if it is the saved one."""
        self._refused.add(token)
        if saved_token(self._instance, self._environ) == token:
            with self.one_login():  # another process may save its new token just now
                forget_token(self._instance, self._environ, token)

    def begin_login(self) -> None:
        """Record the credential of a login at its start, since a proxy may be replaced before the login ends."""
        self._login_key = key_of(self._instance, self._environ)

    def save(self, token: str, expires_at: float | None) -> None:
        """Save the token of that login; see `Issued` for the arguments."""
        self._issued = token
        self._refused.discard(token)
        if not TOKEN.match(token) or self._login_key != key_of(self._instance, self._environ):
            return
        save_token(self._instance, self._environ, token, expires_at)

    def none_left(self) -> CredentialsRejected:
        """Return the error for a login that needs a token, with the reason why each supplied token is not used."""
        if not _is_over_tls(self._instance):
            return https_only(self._instance)
        reasons = list(self._reasons())
        if not reasons:
            return rejected(self._instance, "there is no valid token for it")
        unknown = next((one.unknown for one in reasons if one.unknown), None)
        register = f"Ask the operators of this Rucio server to register this identity for your account: {unknown}"
        words = "; ".join(one.words for one in reasons)
        error = rejected(self._instance, words, register if unknown else None)
        variable, file = self._instance.credentials.token_env, self._instance.credentials.token_file
        if unknown is None and variable is not None:
            error.hint = f"A running session keeps the value of {variable}: log in, or start a new session."
        elif unknown is None and file is not None:
            error.hint = (
                "Replace the file, which nbrucio reads again each time, or log in; in a hub, start a new session."
            )
        return error

    def _candidates(self) -> Iterator[UsableToken]:
        is_oidc = self._instance.auth_type == "oidc"
        if is_oidc:
            yield from self._supplied()
        saved = saved_token(self._instance, self._environ)
        if saved is not None:
            yield UsableToken(saved)
        if self._issued is not None:  # perhaps it could not be saved
            yield UsableToken(self._issued)
        if not is_oidc and not _can_log_in(self._instance, self._environ):
            yield from self._supplied()

    def _supplied(self) -> Iterator[UsableToken]:
        """Yield the supplied tokens, over TLS only: unlike Rucio's own tokens, they open more than Rucio."""
        if not _is_over_tls(self._instance):
            return
        for place in configured_places(self._instance):
            text = place.text(self._environ)
            if text is not None and TOKEN.match(text) and claims(text).is_current():
                yield UsableToken(text, place)
        if self._instance.auth_type != "oidc":
            return
        found = ambient(self._instance, self._environ, self._config)
        token = found.token(self._environ) if found else None
        if token is not None and claims(token).fit(self._instance):
            yield UsableToken(token, found)

    def _reasons(self) -> Iterator[_Reason]:
        for place in configured_places(self._instance):
            yield self._reason(place)
        found = discovered(self._environ)
        if found is None:
            return
        text = found.text(self._environ)
        if text is not None and not belongs_to(self._instance, text, self._config):
            yield _Reason(f"the token in {found} is for another instance")
        else:
            yield self._reason(found)

    def _reason(self, place: TokenPlace) -> _Reason:
        fault = place.fault(self._environ)
        if fault is not None:
            return _Reason(fault)
        said = claims(place.text(self._environ) or "")
        if not said.fit(self._instance):
            named = ", ".join(sorted(said.audiences))
            return _Reason(f"the token in {place} is for the audience {named}, not {wanted_audience(self._instance)}")
        return _Reason(f"the token in {place} was refused", said.identity())


class UsableToken(NamedTuple):
    """A token and the place where the user put it; without a place nbrucio saved it."""

    token: str
    place: TokenPlace | None = None


class _Reason(NamedTuple):
    """The reason why a token is not used.

    Attributes:
        words: a phrase. unknown: the identity that the server may not know.
    """

    words: str
    unknown: str | None = None


def expiry(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Return when the token of a login response expires, by the local clock; None when the server does not say.

    Servers send seconds since the epoch or a date. The response's ``Date`` shows the difference between the clocks.
    """
    end = _moment(headers.get("X-Rucio-Auth-Token-Expires"))
    if end is None:
        return None
    now = time.time() if now is None else now
    there = _moment(headers.get("Date"))
    end = end if there is None else now + end - there
    return end if 0 <= end < NEVER_S else None


def _moment(text: str | None) -> float | None:
    """Parse seconds since the epoch, or a date of RFC 1123."""
    from email.utils import parsedate_to_datetime  # only logins need it

    try:
        if text is None or text.strip().isdigit():
            return None if text is None else float(text)
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()


def is_about_token(refusal: str | None) -> bool:
    """Return whether a 401 with the error name ``refusal`` rejects the token; Rucio also sends 401 for forbidden
    actions.
    """
    return refusal in (None, "", "CannotAuthenticate")


def configured_places(instance: Instance) -> Iterator[TokenPlace]:
    """Return the configured places of a token for the Rucio server of ``instance``."""
    login = instance.credentials
    if login.token_env is not None:
        yield TokenPlace(env=login.token_env)
    if login.token_file is not None:
        yield TokenPlace(file=login.token_file)


def _is_over_tls(instance: Instance) -> bool:
    return instance.host.startswith("https://") and instance.auth_host.startswith("https://")


def _can_log_in(instance: Instance, environ: Mapping[str, str]) -> bool:
    from nbrucio.catalogue.auth import login_of

    try:
        login_of(instance, environ)
    except CredentialsRejected:
        return False
    return True
