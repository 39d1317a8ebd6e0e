"""What storage is shown to prove who the user is, as plain values. Rucio's own token is never among them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.config import Instance
from nbrucio.readfile import read_file

_MAX_BYTES = 64 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+\Z")


@dataclass(frozen=True)
class StorageCredentials:
    """Credentials for an instance's storage.

    Attributes:
        ca: file or folder of CAs that vouch for the storage; None means those of this machine.
        proxy: an X.509 proxy, certificate and key in one PEM file.
        token: a bearer token.
    """

    ca: Path | None = None
    proxy: Path | None = None
    token: str | None = field(default=None, repr=False)


def storage_credentials(instance: Instance, environ: Mapping[str, str]) -> StorageCredentials:
    """The credentials that the user has for the storage of ``instance``.

    CAs: the instance's ``storage_ca``, else the Grid's folder X509_CERT_DIR. Proxy: the instance's, else that of
    `user_proxy`. Token: by WLCG's bearer token discovery, `bearer_token`.
    """
    folder = environ.get("X509_CERT_DIR")
    return StorageCredentials(
        ca=instance.storage_ca or (Path(folder) if folder else None),
        proxy=existing(instance.credentials.client_proxy) or user_proxy(environ),
        token=bearer_token(environ),
    )


def user_proxy(environ: Mapping[str, str]) -> Path | None:
    """The user's X.509 proxy by the Grid's conventions: X509_USER_PROXY, else /tmp/x509up_u<uid>; None without."""
    named = environ.get("X509_USER_PROXY")
    return existing(Path(named).absolute()) if named else _own(Path(f"/tmp/x509up_u{os.geteuid()}"))  # noqa: S108


def bearer_token(environ: Mapping[str, str]) -> str | None:
    """The user's bearer token by WLCG Bearer Token Discovery 1.0 (https://zenodo.org/records/3937438); None without.

    BEARER_TOKEN, then the file BEARER_TOKEN_FILE, then bt_u<uid> in XDG_RUNTIME_DIR, then in /tmp; the first that is
    there decides, even with a token that cannot be used. A file in /tmp counts only if it is the user's own.
    """
    if environ.get("BEARER_TOKEN"):
        return _token(environ["BEARER_TOKEN"])
    file = next(_token_files(environ), None)
    if file is None:
        return None
    try:
        return _token(read_file(file, _MAX_BYTES).decode("ascii"))
    except (OSError, UnicodeDecodeError):
        return None


def existing(path: Path | None) -> Path | None:
    """``path`` if a file is there; else None."""
    return path if path is not None and path.is_file() else None


def _token_files(environ: Mapping[str, str]) -> Iterator[Path]:
    name = f"bt_u{os.geteuid()}"
    named, runtime = environ.get("BEARER_TOKEN_FILE"), environ.get("XDG_RUNTIME_DIR")
    if named:
        yield Path(named)
        return
    yield from filter(None, (existing(Path(runtime) / name) if runtime else None, _own(Path("/tmp") / name)))  # noqa: S108


def _token(text: str) -> str | None:
    stripped = text.strip()
    return stripped if _TOKEN.match(stripped) else None


def _own(path: Path) -> Path | None:
    """``path`` if it is a regular file of this user: in /tmp anybody may put a file of any name."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return path if stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid() else None
