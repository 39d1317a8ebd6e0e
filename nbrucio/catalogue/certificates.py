"""Check X.509 certificates, proxies and private keys before they are sent to a server.

A server often closes the connection without a message when a certificate is unusable, and OpenSSL asks for a passphrase
on the terminal. `cryptography` is loaded only here; without it, only dates and names are not checked.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.catalogue.bearer import existing, own_file
from nbrucio.config.private import private_proxy
from nbrucio.core.text import human_age, human_moment
from nbrucio.disk.read import read_file, reason

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

_MAX_BYTES = 1 << 20
#: RFC 3820, and the drafts before it that old VOMS clients still follow.
_PROXY_INFO = ("1.3.6.1.5.5.7.1.14", "1.3.6.1.4.1.3536.1.222")
_OLD_PROXY_NAMES = ("proxy", "limited proxy")
_ENCRYPTED = (b"ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")
#: Names of attributes as Rucio and VOMS write them.
_SHORT_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
    "1.2.840.113549.1.9.1": "emailAddress",
}


class Unusable(Exception):
    """A credential that no server accepts. Its text is a phrase that names the file.

    Attributes:
        hint: the next action; None for the usual one of this kind of login.
    """

    def __init__(self, words: str, hint: str | None = None) -> None:
        super().__init__(words)
        self.hint = hint


def check_proxy(path: Path) -> None:
    """Check that ``path`` contains a proxy, or a certificate with its key, that is valid now.

    Raises:
        Unusable: it does not.
    """
    _check(f"the proxy {path}", path, path)


def check_certificate(certificate: Path, key: Path) -> None:
    """Check that a certificate and its private key can be used now.

    Raises:
        Unusable: they cannot.
    """
    _check(f"the certificate {certificate}", certificate, key, "Get a new certificate from your CA.")


def check_ssh_key(path: Path) -> RSAPrivateKey | None:
    """Check that ``path`` contains a key that Rucio accepts: RSA, without a passphrase. None without cryptography.

    Raises:
        Unusable: it does not.
    """
    content = _content(f"the ssh key {path}", path)
    if b"PRIVATE KEY-----" not in content:
        raise Unusable(f"{path} does not contain a private ssh key")
    try:
        serialization = import_module("cryptography.hazmat.primitives.serialization")
        errors = import_module("cryptography.exceptions")
        rsa = import_module("cryptography.hazmat.primitives.asymmetric.rsa")
    except ImportError:
        return None
    load = serialization.load_ssh_private_key if b"BEGIN OPENSSH" in content else serialization.load_pem_private_key
    try:
        key = load(content, None)
    except TypeError as error:
        raise _locked(path, "Set ssh_private_key to an RSA key without a passphrase.") from error
    except (ValueError, errors.UnsupportedAlgorithm) as error:
        raise Unusable(f"the ssh key {path} is damaged or of an unknown type") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        kind = type(key).__name__.removesuffix("PrivateKey")
        raise Unusable(f"the ssh key {path} is a key of type {kind}, and Rucio accepts RSA only", _NEW_SSH_KEY)
    found: RSAPrivateKey = key
    return found


_NEW_SSH_KEY = "Create an RSA key (ssh-keygen -t rsa -m PEM), and ask the operators of this Rucio server to add it."


def user_proxy(environ: Mapping[str, str]) -> Path | None:
    """Find the user's proxy: X509_USER_PROXY, else the one in the private folder that is configured, else
    /tmp/x509up_u<uid>; None without one.
    """
    named = environ.get("X509_USER_PROXY")
    if named:
        return existing(Path(named).absolute())
    private = private_proxy(environ)
    found = None if private is None else own_file(private)
    return found or own_file(Path(f"/tmp/x509up_u{os.geteuid()}"))  # noqa: S108


def why_unusable(certificate: Path, key: Path | None) -> str | None:
    """Return the problem of a certificate, or of a proxy if ``key`` is None; None without one."""
    try:
        if key is None:
            check_proxy(certificate)
        else:
            check_certificate(certificate, key)
    except Unusable as error:
        return str(error)
    return None


def dn_of(path: Path) -> str | None:
    """Return a certificate's or proxy's DN as Rucio and VOMS write it; None if it cannot be read."""
    try:
        certificates = _certificates(path.name, _content(path.name, path))
    except Unusable:
        return None
    person = next((one for one in certificates if not _is_proxy(one)), None)
    if person is None:
        return None
    parts = ((part.oid.dotted_string, str(part.value)) for part in person.subject)
    return "".join(f"/{_SHORT_NAMES.get(oid, oid)}={value}" for oid, value in parts)


def end_of(path: Path) -> float | None:
    """When the first certificate of a chain expires, in seconds since the epoch; None when it cannot be read."""
    try:
        found = _certificates(path.name, _content(path.name, path))
    except Unusable:
        return None
    return min((one.not_valid_after_utc.timestamp() for one in found), default=None)


def _check(what: str, certificate: Path, key: Path, renewal: str | None = None) -> None:
    content = _content(what, certificate)
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise Unusable(f"{certificate} does not contain a certificate in PEM format")
    _check_key(certificate, key, content)
    now = time.time()
    for number, one in enumerate(_certificates(what, content)):
        behind = what if number == 0 else f"a certificate in {certificate}"
        begin, end = one.not_valid_before_utc, one.not_valid_after_utc
        if end.timestamp() < now:
            raise Unusable(
                f"{behind} expired {human_age(now - end.timestamp())} ago ({human_moment(end.timestamp())})", renewal
            )
        if begin.timestamp() > now:
            raise Unusable(
                f"{behind} is not valid before {human_moment(begin.timestamp())}",
                f"Check the clock of this machine: it says {human_moment(now)}.",
            )


def _content(what: str, path: Path) -> bytes:
    try:
        content = read_file(path, _MAX_BYTES)
    except FileNotFoundError as error:
        raise Unusable(f"{path} does not exist") from error
    except OSError as error:
        raise Unusable(f"{what} cannot be read: {reason(error)}") from error
    if not content.strip():
        raise Unusable(f"{path} is empty")
    return content


def _check_key(certificate: Path, key: Path, content: bytes) -> None:
    key_content = content if key == certificate else _content(f"the private key {key}", key)
    if b"PRIVATE KEY-----" not in key_content:
        raise Unusable(f"{key} does not contain a private key in PEM format")
    if any(mark in key_content for mark in _ENCRYPTED):
        raise _locked(key, "Create a proxy with voms-proxy-init, and set auth_type to x509_proxy.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=_none)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise Unusable(
                f"the private key in {key} belongs to another certificate than {certificate}",
                None if key == certificate else "Set client_cert and client_key to files that belong together.",
            ) from error
        damaged = certificate if key == certificate else f"{certificate} or {key}"
        raise Unusable(f"{damaged} is damaged: OpenSSL cannot read it") from error
    except OSError as error:
        raise Unusable(f"{certificate} cannot be read: {reason(error)}") from error


def _none() -> str:
    """Return an empty passphrase; otherwise OpenSSL asks for one on the terminal."""
    return ""


def _locked(key: Path, hint: str) -> Unusable:
    return Unusable(f"the private key {key} is protected by a passphrase, which nbrucio does not ask for", hint)


def _certificates(what: str, content: bytes) -> list[Certificate]:
    try:
        x509 = import_module("cryptography.x509")
    except ImportError:
        return []
    try:
        found: list[Certificate] = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise Unusable(f"{what} is damaged: a certificate in it cannot be read") from error
    return found


def _is_proxy(certificate: Certificate) -> bool:
    if any(extension.oid.dotted_string in _PROXY_INFO for extension in certificate.extensions):
        return True
    names = [str(part.value) for part in certificate.subject if part.oid.dotted_string == "2.5.4.3"]
    return bool(names) and names[-1] in _OLD_PROXY_NAMES
