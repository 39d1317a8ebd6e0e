"""Requirements of a login with rucio-clients: a recent version and complete credentials."""

from __future__ import annotations

import os
import re
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from nbrucio.catalogue.certificates import Unusable, check_certificate, check_proxy, check_ssh_key, user_proxy
from nbrucio.catalogue.errors import rejected
from nbrucio.config import Instance
from nbrucio.disk.libraries import missing_library
from nbrucio.errors import CredentialsRejected

#: Oldest version that verifies a server's certificate and handles the lifetime of tokens correctly.
NEEDED = (41, 5, 1)

_MODE = "RUCIO_CLIENT_MODE"

_changing = threading.Lock()
#: nbrucio's names of the OIDC settings, and the values that mean "unset" to rucio-clients.
_OIDC_DEFAULTS: Mapping[str, Any] = {
    "scope": "openid profile",
    "audience": None,
    "issuer": None,
    "polling": False,
    "refresh_lifetime": None,
}


def require_clients() -> None:
    """Check that rucio-clients is installed and recent enough.

    Raises:
        MissingDependency: it is not.
    """
    try:
        import_module("rucio.common.exception")
        import_module("requests")
    except ModuleNotFoundError as error:
        raise missing_library(
            "rucio-clients", "Requests to a Rucio server need rucio-clients, which is not installed."
        ) from error
    installed = _version()
    if installed is not None and _numbers(installed) < NEEDED:
        needed = ".".join(map(str, NEEDED))
        raise missing_library(
            "rucio-clients",
            f"rucio-clients {installed} is too old: nbrucio needs {needed} or newer.",
            pip=f"--upgrade 'rucio-clients>={needed}'",
        )


def _version() -> str | None:
    from importlib import metadata

    for name in ("rucio-clients", "rucio"):  # Rucio's server package contains the clients, too
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


@contextmanager
def restored_process() -> Iterator[None]:
    """Change the process's state as the start of rucio-clients requires, and restore it after the block.

    Threads share the preparation, so that a login that waits for a silent server does not block another server's.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


class _Before(NamedTuple):
    """The process's state before the first thread entered `restored_process`."""

    first: list[str]
    mode: str | None


_within = 0
_before = _Before([], None)


def _enter() -> None:
    global _within, _before
    with _changing:
        _within += 1
        if _within > 1:
            return
        _before = _Before(sys.argv[:1], os.environ.get(_MODE))
        sys.argv[:1] = _before.first or [
            ""
        ]  # rucio-clients modifies the first word, which an embedded interpreter may lack
        os.environ[_MODE] = "1"  # otherwise a server's rucio.cfg makes it use that server's database


def _leave() -> None:
    global _within
    with _changing:
        _within -= 1
        if _within:
            return
        sys.argv[:1] = _before.first
        if _before.mode is None:
            os.environ.pop(_MODE, None)
        else:
            os.environ[_MODE] = _before.mode


class Login(NamedTuple):
    """Credentials of a client.

    Attributes:
        creds: credentials in rucio-clients' format.
        problem: why they are unusable, in which case only a token helps; None when they are usable.
    """

    creds: dict[str, Any]
    problem: CredentialsRejected | None = None


#: Keys that rucio-clients requires even when it uses a token.
_PLACEHOLDERS = dict.fromkeys(
    ("username", "password", "client_cert", "client_key", "client_proxy", "ssh_private_key"), ""
)


def login_or_token(instance: Instance, environ: Mapping[str, str], has_token: Callable[[], bool]) -> Login:
    """Return the credentials of ``instance``, or placeholders when there is a token instead.

    Raises:
        CredentialsRejected: there is neither; the hint says what helps.
    """
    try:
        return Login(login_of(instance, environ))
    except CredentialsRejected as error:
        if not has_token():
            raise
        return Login(dict(_PLACEHOLDERS), error)


def login_of(instance: Instance, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the complete credentials of ``instance`` in rucio-clients' format, so that it searches nowhere else.

    Raises:
        CredentialsRejected: something is missing; the hint says what helps.
    """
    return _LOGINS[instance.auth_type](instance, environ)


def _userpass(instance: Instance, _: Mapping[str, str]) -> dict[str, Any]:
    login = instance.credentials
    if login.username is None or login.password is None:
        raise rejected(instance, "username or password is not configured")
    return {"username": login.username, "password": login.password}


def _x509(instance: Instance, _: Mapping[str, str]) -> dict[str, Any]:
    certificate, key = instance.credentials.client_cert, instance.credentials.client_key
    if certificate is None:
        raise rejected(instance, "client_cert is not configured")
    key = key or certificate
    with _examined(instance):
        check_certificate(certificate, key)
    if stat.S_IMODE(key.stat().st_mode) & 0o077:
        raise CredentialsRejected(
            f"{key} holds a private key and others can read it.", subject=str(key), next_command=f"chmod 600 {key}"
        )
    return {"client_cert": str(certificate), "client_key": str(key)}


def _x509_proxy(instance: Instance, environ: Mapping[str, str]) -> dict[str, Any]:
    proxy = instance.credentials.client_proxy or user_proxy(environ)
    if proxy is None:
        named = environ.get("X509_USER_PROXY")
        raise rejected(
            instance, f"the proxy {named} (X509_USER_PROXY) does not exist" if named else "there is no X.509 proxy"
        )
    with _examined(instance):
        check_proxy(proxy)
    return {"client_proxy": str(proxy)}


def _ssh(instance: Instance, _: Mapping[str, str]) -> dict[str, Any]:
    key = instance.credentials.ssh_private_key
    if key is None:
        raise rejected(instance, "ssh_private_key is not configured")
    with _examined(instance):
        check_ssh_key(key)
    return {"ssh_private_key": str(key)}


@contextmanager
def _examined(instance: Instance) -> Iterator[None]:
    """Raise a login error for an unusable credential."""
    try:
        yield
    except Unusable as error:
        raise rejected(instance, str(error), error.hint) from error


def _gss(_: Instance, __: Mapping[str, str]) -> dict[str, Any]:
    return {}


def _oidc(instance: Instance, _: Mapping[str, str]) -> dict[str, Any]:
    settings = {**_OIDC_DEFAULTS, **instance.credentials.oidc}
    polling = str(settings["polling"]).strip().lower() in ("true", "yes", "on", "1")
    return {f"oidc_{name}": value for name, value in {**settings, "polling": polling}.items()}


_LOGINS: dict[str, Callable[[Instance, Mapping[str, str]], dict[str, Any]]] = {
    "userpass": _userpass,
    "x509": _x509,
    "x509_proxy": _x509_proxy,
    "ssh": _ssh,
    "gss": _gss,
    "oidc": _oidc,
}
