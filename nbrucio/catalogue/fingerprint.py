"""Identifies a login by a digest, which names its token file: one per person and server."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from nbrucio.catalogue.certificates import user_proxy
from nbrucio.config import Instance
from nbrucio.disk.read import read_file

_MAX_BYTES = 256 * 1024
#: Bytes of a Kerberos cache to digest: it begins with its owner and the login ticket; service tickets are appended.
_TICKET_BYTES = 1024
#: Makes guessing a password from a file name slow: lists of file names are copied where contents are not.
_ROUNDS = 50_000


def key_of(instance: Instance, environ: Mapping[str, str]) -> str:
    """Return a digest of this login: URLs, VO, account, kind of login, and the credential's content.

    Another proxy at the same path, or another password of the same user, is another login.
    """
    parts = (instance.host, instance.auth_host, instance.vo, instance.account, instance.auth_type)
    digest = hashlib.sha256("\n".join(map(str, parts)).encode())
    for part in _credential(instance, environ):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:32]


def _credential(instance: Instance, environ: Mapping[str, str]) -> Iterator[bytes]:
    login = instance.credentials
    if instance.auth_type == "userpass":
        name = (login.username or "").encode()
        yield name
        if login.password is None:
            yield instance.name.encode()  # typed at the login: another instance's password proves nothing here
        else:
            yield _stretched(login.password.encode(), name + instance.host.encode())
    elif instance.auth_type == "x509":
        yield _content(login.client_cert)
        yield _content(login.client_key)
    elif instance.auth_type == "x509_proxy":
        yield _content(login.client_proxy or user_proxy(environ))
    elif instance.auth_type == "ssh":
        yield _content(login.ssh_private_key)
    elif instance.auth_type == "gss":
        cache = environ.get("KRB5CCNAME") or f"/tmp/krb5cc_{os.geteuid()}"  # noqa: S108 Kerberos' own default
        yield cache.encode()
        yield _content(Path(cache.removeprefix("FILE:")), _TICKET_BYTES)
    else:
        yield repr((instance.name, sorted(login.oidc.items()), login.token_command, login.hub_token)).encode()


@lru_cache(maxsize=32)
def _stretched(password: bytes, salt: bytes) -> bytes:
    """Return a slow digest. Remembered: it takes 10 ms, and each look-up of the saved token asks for it."""
    return hashlib.pbkdf2_hmac("sha256", password, salt, _ROUNDS)


def _content(path: Path | None, most: int = _MAX_BYTES) -> bytes:
    try:
        return b"" if path is None else read_file(path, _MAX_BYTES)[:most]
    except OSError:
        return b""
