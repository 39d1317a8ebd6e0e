"""Tokens for a Rucio server: those that the user supplies, and those of earlier logins.

rucio-clients saves one file per account below ``$TMPDIR``, whatever the server and the login. It therefore sends one
server's token to another, and an empty file, or one that ends in a newline, fails every command until it is removed by
hand. nbrucio uses a private folder with one file per server, VO, account and credential.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timezone
from pathlib import Path
from typing import NamedTuple

from nbrucio.catalogue.bearer import (
    MARGIN_S,
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
from nbrucio.config import Config, Instance
from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import read_file
from nbrucio.errors import BadConfig, CredentialsRejected

_MAX_BYTES = 64 * 1024
#: Rucio's tokens contain the login, and a certificate's name contains spaces.
_TOKEN = re.compile(r"[\x21-\x7e]+( +[\x21-\x7e]+)*\Z")
#: A second line has the expiry that the server reported.
_SAVED = re.compile(r"\s*(?P<token>[\x21-\x7e]+(?: +[\x21-\x7e]+)*)\s*(?:\n(?P<expires>\d{1,11})\s*)?\Z")
#: Age at which unused tokens are removed: each renewed proxy is a new credential with a new file.
_SWEPT_AFTER_S = 7 * 24 * 3600


class LoginTokens:
    """The tokens to try for the Rucio server of one instance, best first. Thread-safe.

    With an OIDC login: the tokens of ``token_env`` and ``token_file``, then the discovered one if it belongs to this
    instance, then the saved one. With any other login: the saved one. Supplied tokens are used there only when
    credentials are missing.

    Args:
        instance: the Rucio server.
        environ: the environment.
        config: the configuration that ``instance`` is part of; None when there are no others.
    """

    def __init__(self, instance: Instance, environ: Mapping[str, str], config: Config | None = None) -> None:
        self._instance = instance
        self._environ = environ
        self._config = config
        self._refused: set[str] = set()
        self._login_key: str | None = None

    def current(self) -> str | None:
        """Return the best token that was not rejected; None when a login is needed.

        Raises:
            BadConfig: the private folder cannot be created.
        """
        return next((token for token in self._candidates() if token not in self._refused), None)

    def refuse(self, token: str) -> None:
        """Record that the server rejected ``token``; remove it if it is the saved one."""
        self._refused.add(token)
        forget_token(self._instance, self._environ, token)

    def begin_login(self) -> None:
        """Record the credential of the login that begins, since a proxy may be replaced before the login ends."""
        self._login_key = key_of(self._instance, self._environ)

    def save(self, token: str, expires_at: float | None) -> None:
        """Save the token of that login.

        ``expires_at`` is in seconds since the epoch; None when the server does not say.
        """
        if not _TOKEN.match(token) or self._login_key != key_of(self._instance, self._environ):
            return
        path = token_file(self._instance, self._environ)
        end = claims(token).expires_at if expires_at is None else expires_at
        write_file(path, (token if end is None else f"{token}\n{int(end)}\n").encode("ascii"))
        _sweep(path.parent)

    def none_left(self) -> CredentialsRejected:
        """Return the error where only a token helps: why each supplied token is not used."""
        reasons = list(self._reasons())
        if not reasons:
            return rejected(self._instance, "there is no token for it, and a login in a browser needs a terminal")
        unknown = next((one.unknown for one in reasons if one.unknown), None)
        register = f"Ask the operators of this Rucio server to register this identity for your account: {unknown}"
        words = "; ".join(one.words for one in reasons)
        return rejected(self._instance, words, register if unknown else None)

    def _candidates(self) -> Iterator[str]:
        is_oidc = self._instance.auth_type == "oidc"
        if is_oidc:
            yield from self._supplied()
        saved = saved_token(self._instance, self._environ)
        if saved is not None:
            yield saved
        if not is_oidc and not _can_log_in(self._instance, self._environ):
            yield from self._supplied()

    def _supplied(self) -> Iterator[str]:
        """Yield the supplied tokens, over TLS only: unlike Rucio's own tokens, they open more than Rucio."""
        if not _is_over_tls(self._instance):
            return
        for place in configured_places(self._instance):
            text = place.text(self._environ)
            if text is not None and _TOKEN.match(text) and claims(text).is_current():
                yield text
        if self._instance.auth_type != "oidc":
            return
        found = ambient(self._instance, self._environ, self._config)
        token = found.token(self._environ) if found else None
        if token is not None and claims(token).fit(self._instance):
            yield token

    def _reasons(self) -> Iterator[_Reason]:
        if not _is_over_tls(self._instance):
            yield _Reason("tokens are sent over https only")
            return
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


class _Reason(NamedTuple):
    """Why a token is not used.

    Attributes:
        words: a phrase.
        unknown: the identity that the server may not know.
    """

    words: str
    unknown: str | None = None


def token_file(instance: Instance, environ: Mapping[str, str]) -> Path:
    """Return the path for this login's token, in a private folder. The file contains a usable token or is absent.

    Raises:
        BadConfig: the private folder cannot be created.
    """
    path = _private_folder(environ) / f"token-{key_of(instance, environ)}"
    _remove_unusable(path)
    return path


def saved_token(instance: Instance, environ: Mapping[str, str]) -> str | None:
    """Return the usable token that an earlier login saved; None without one.

    Raises:
        BadConfig: the private folder cannot be created.
    """
    try:
        saved = _SAVED.match(read_file(token_file(instance, environ), _MAX_BYTES, follow=False).decode("latin-1"))
    except OSError:
        return None
    return saved["token"] if saved else None


def forget_token(instance: Instance, environ: Mapping[str, str], token: str) -> None:
    """Remove the saved ``token``, which its server rejected, unless another has replaced it."""
    if saved_token(instance, environ) == token:
        token_file(instance, environ).unlink(missing_ok=True)


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
    """Whether a 401 with the error name ``refusal`` rejects the token; Rucio also sends 401 for forbidden actions."""
    return refusal in (None, "", "CannotAuthenticate")


def configured_places(instance: Instance) -> Iterator[TokenPlace]:
    """Where the configuration says that a token for the Rucio server of ``instance`` is."""
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


def _remove_unusable(path: Path) -> None:
    """Remove a file that is not a token, or whose token has expired."""
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MAX_BYTES:
            path.unlink()
            return
        saved = _SAVED.match(read_file(path, _MAX_BYTES, follow=False).decode("latin-1"))
        if saved is None or (saved["expires"] and int(saved["expires"]) < time.time() + MARGIN_S):
            path.unlink()
    except FileNotFoundError:
        return  # another process replaced or removed it
    except OSError as error:
        raise _unusable(path, error.strerror or "unknown fault") from error


def _sweep(folder: Path) -> None:
    """Remove the tokens of credentials that are no longer used."""
    for path in folder.glob("token-*"):
        with suppress(OSError):
            if path.lstat().st_mtime < time.time() - _SWEPT_AFTER_S:
                path.unlink()


def _private_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder, created if necessary, which only this user can read."""
    folder = _parent(environ) / "tokens"
    try:
        make_private_folder(folder)
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode):
            raise _unusable(folder, "it is not a folder")
        if facts.st_uid != os.geteuid():
            raise _unusable(folder, "it belongs to another user")
        if stat.S_IMODE(facts.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise _unusable(folder, error.strerror or "unknown fault") from error
    return folder


def _parent(environ: Mapping[str, str]) -> Path:
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_absolute() and os.access(runtime, os.W_OK | os.X_OK):
        return Path(runtime) / "nbrucio"
    from nbrucio.config.policy import user_folder

    return user_folder("XDG_CACHE_HOME", environ)


def _unusable(path: Path, why: str) -> BadConfig:
    return BadConfig(
        f"Login tokens cannot be saved in {path}: {why}.",
        subject=str(path),
        hint="Correct it, or set XDG_CACHE_HOME to a folder of your own.",
    )
