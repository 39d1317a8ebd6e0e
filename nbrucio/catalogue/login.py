"""Logs in at a Rucio server, by requests of Rucio's REST API.

Only Kerberos needs rucio-clients, which run in a process of their own (`nbrucio.catalogue.child`).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from nbrucio.catalogue.auth import login_of
from nbrucio.catalogue.certificates import check_ssh_key
from nbrucio.catalogue.errors import ServerRefusal
from nbrucio.catalogue.login_errors import login_errors
from nbrucio.catalogue.login_requests import asked, issued
from nbrucio.catalogue.login_tokens import Issued
from nbrucio.config import Config, Instance
from nbrucio.disk.libraries import missing_library
from nbrucio.http import Timeouts, Tls


def log_in(instance: Instance, environ: Mapping[str, str], timeouts: Timeouts, config: Config | None = None) -> Issued:
    """Log in with the credentials of ``instance``, which is part of ``config``.

    Raises:
        NbrucioError: a credential is missing or unusable, the server refuses it or cannot be reached.
    """
    credentials = login_of(instance, environ)
    with login_errors(instance, credentials):
        if instance.auth_type == "gss":
            from nbrucio.catalogue.child.clients_login import log_in_with_clients

            return log_in_with_clients(instance, environ, timeouts, config)
        if instance.auth_type == "ssh":
            return _by_ssh_key(instance, Path(credentials["ssh_private_key"]), timeouts)
        path, headers, tls = _LOGINS[instance.auth_type](instance, credentials)
        with asked(instance, path, headers, timeouts, tls) as answer:
            return issued(answer)


def _by_ssh_key(instance: Instance, file: Path, timeouts: Timeouts) -> Issued:
    try:
        return _signed(instance, file, timeouts, "rsa-sha2-256", "SHA256")
    except ServerRefusal:  # paramiko before 2.9 knows only this one, at the server, and paramiko 5 only that one
        return _signed(instance, file, timeouts, "ssh-rsa", "SHA1")


def _signed(instance: Instance, file: Path, timeouts: Timeouts, algorithm: str, digest: str) -> Issued:
    """Sign the text that the server sends (RFC 8332, RFC 4253); ``get_auth_token_ssh`` in Rucio's core verifies it."""
    with asked(instance, "/auth/ssh_challenge_token", {}, timeouts) as answer:
        challenge = answer.headers.get("X-Rucio-SSH-Challenge-Token")
        if not challenge:
            return issued(answer)  # which raises the reason
        answer.close()
    signature = _ssh_string(algorithm.encode()) + _ssh_string(_sign(file, challenge.encode(), digest))
    with asked(instance, "/auth/ssh", {"X-Rucio-SSH-Signature": b64encode(signature).decode()}, timeouts) as answer:
        return issued(answer)


def _sign(file: Path, text: bytes, digest: str) -> bytes:
    key = check_ssh_key(file)
    if key is None:
        raise missing_library("cryptography", "Logins by SSH key need cryptography, which is not installed.")
    hashes = import_module("cryptography.hazmat.primitives.hashes")
    padding = import_module("cryptography.hazmat.primitives.asymmetric.padding")
    return key.sign(text, padding.PKCS1v15(), getattr(hashes, digest)())


def _ssh_string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


_Login = tuple[str, dict[str, str], Tls]


def _userpass(instance: Instance, credentials: Mapping[str, Any]) -> _Login:
    headers = {"X-Rucio-Username": credentials["username"], "X-Rucio-Password": credentials["password"]}
    return "/auth/userpass", headers, Tls(instance.ca_cert)


def _x509(instance: Instance, credentials: Mapping[str, Any]) -> _Login:
    tls = Tls(instance.ca_cert, Path(credentials["client_cert"]), Path(credentials["client_key"]))
    return "/auth/x509", {}, tls


def _x509_proxy(instance: Instance, credentials: Mapping[str, Any]) -> _Login:
    return "/auth/x509_proxy", {}, Tls(instance.ca_cert, Path(credentials["client_proxy"]))


_LOGINS = {"userpass": _userpass, "x509": _x509, "x509_proxy": _x509_proxy}
