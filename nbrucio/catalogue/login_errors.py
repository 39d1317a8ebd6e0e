"""Errors during a login, with the identity to register if the server may not know it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nbrucio.catalogue.certificates import dn_of
from nbrucio.catalogue.errors import ServerRefusal, error_for, rejected
from nbrucio.config import Instance
from nbrucio.core.address import USUAL_VO
from nbrucio.errors import CredentialsRejected, NbrucioError
from nbrucio.http import HttpError, TlsFault, tls_fault


@contextmanager
def login_errors(instance: Instance, creds: Mapping[str, Any]) -> Iterator[None]:
    """Raise nothing but `NbrucioError` from the block, which logs in with ``creds``."""
    try:
        yield
    except NbrucioError:
        raise
    except (ServerRefusal, HttpError, OSError) as error:
        # No name for it here: the frame would hold its own traceback, and with it sockets, until they are collected.
        raise _login_error(error, instance, creds) from error


def https_only(instance: Instance) -> CredentialsRejected:
    """Return the error for a login by tokens at a server that is not asked over TLS."""
    return rejected(instance, "tokens are sent over https only", "Correct host and auth_host of the instance.")


def require_https(instance: Instance) -> None:
    """Make sure that nobody between here and the server can read the tokens that are sent to it.

    Raises:
        CredentialsRejected: the URL of another machine is not https.
    """
    for url in map(urlsplit, (instance.host, instance.auth_host)):
        if url.scheme != "https" and url.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise https_only(instance)


def _login_error(error: BaseException, instance: Instance, creds: Mapping[str, Any]) -> NbrucioError:
    found = _certificate_refused(error, instance, creds) or error_for(error, instance)
    by_rucio = isinstance(error, ServerRefusal) and bool(error.name)
    found = _with_identity(found, instance, creds, by_rucio=by_rucio)
    if isinstance(found, CredentialsRejected) and by_rucio:
        found.hint = " ".join(filter(None, (found.hint, _about_vo(instance))))
    return found


def _about_vo(instance: Instance) -> str:
    """Return what to check about the VO: Rucio does not say whether it is wrong, or missing."""
    if instance.vo == USUAL_VO:
        return "If the server has several VOs, set vo."
    return f"Check also vo, which is '{instance.vo}'."


def _certificate_refused(
    error: BaseException, instance: Instance, creds: Mapping[str, Any]
) -> CredentialsRejected | None:
    """Return the error for a server that closed the connection after receiving a certificate; None for other errors."""
    if not (creds.get("client_proxy") or creds.get("client_cert")):
        return None
    if tls_fault(error) not in (TlsFault.CLIENT_REFUSED, TlsFault.BROKEN_OFF):
        return None
    return rejected(instance, "the server does not accept the certificate")


def _with_identity(
    found: NbrucioError, instance: Instance, creds: Mapping[str, Any], *, by_rucio: bool
) -> NbrucioError:
    """Add the certificate's DN to the hint of a refused login: the server may not know the DN.

    Where not Rucio itself refused it, the front may not accept proxies, or not the certificate's CA.
    """
    file = creds.get("client_proxy") or creds.get("client_cert")
    name = dn_of(Path(file)) if file and isinstance(found, CredentialsRejected) else None
    if name is not None:
        account = "your account" if instance.account is None else f"account {instance.account}"
        accepted = "proxies and this CA" if creds.get("client_proxy") else "this CA"
        front = "" if by_rucio else f"whether its front accepts {accepted}, and "
        found.hint = f"Ask the operators of this Rucio server {front}to register this DN for {account}: '{name}'."
        found.next_command = None
    return found
