"""The complete credentials of an instance, examined before a server is asked with them."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nbrucio.catalogue.certificates import Unusable, check_certificate, check_proxy, check_ssh_key, user_proxy
from nbrucio.catalogue.errors import rejected
from nbrucio.config import Instance
from nbrucio.errors import CredentialsRejected

#: nbrucio's names of the OIDC settings, and the values that rucio-clients has without them.
_OIDC_DEFAULTS: Mapping[str, Any] = {
    "scope": "openid profile",
    "audience": None,
    "issuer": None,
    "polling": False,
    "refresh_lifetime": None,
}


def login_of(instance: Instance, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the complete credentials of ``instance`` by rucio-clients' names.

    Raises:
        CredentialsRejected: something is missing; the hint says what helps.
    """
    return _LOGINS[instance.auth_type](instance, environ)


def _userpass(instance: Instance, _: Mapping[str, str]) -> dict[str, Any]:
    login = instance.credentials
    if login.username is None or login.password is None:
        missing = "password" if login.username is not None else "username or password"
        raise rejected(instance, f"there is no valid token, and the configuration has no {missing}")
    if not all(_fits_header(text) for text in (login.username, login.password)):
        raise rejected(instance, "username or password contains characters that Rucio cannot receive", _RENAME)
    return {"username": login.username, "password": login.password}


def _fits_header(text: str) -> bool:
    """Return whether HTTP can send ``text``: Rucio takes logins in headers."""
    return text.isprintable() and text == text.strip() and all(ord(char) < 256 for char in text)


_RENAME = "Use a password of printable Latin characters, without spaces at its ends."


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
