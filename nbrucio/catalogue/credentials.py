"""What storage is shown to prove who the user is, as plain values. Rucio's own token is never among them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.catalogue.bearer import TokenPlace, ambient, existing, own_file
from nbrucio.config import Config, Instance


@dataclass(frozen=True)
class StorageCredentials:
    """Credentials for an instance's storage.

    Attributes:
        ca: file or folder of CAs that vouch for the storage; None means those of this machine.
        proxy: an X.509 proxy, certificate and key in one PEM file.
        token: a bearer token.
        token_place: where that token stands.
    """

    ca: Path | None = None
    proxy: Path | None = None
    token: str | None = field(default=None, repr=False)
    token_place: TokenPlace | None = None


def storage_credentials(
    instance: Instance, environ: Mapping[str, str], config: Config | None = None
) -> StorageCredentials:
    """The credentials that the user has for the storage of ``instance``.

    CAs: the instance's ``storage_ca``, else the Grid's folder X509_CERT_DIR. Proxy: the instance's, else that of
    `user_proxy`. Token: of ``storage_token_env`` or ``storage_token_file``, else the discovered one if it belongs to
    this instance of ``config``; the first that is there and has not expired.
    """
    folder = environ.get("X509_CERT_DIR")
    place = next((place for place in _places(instance, environ, config) if place.token(environ)), None)
    return StorageCredentials(
        ca=instance.storage_ca or (Path(folder) if folder else None),
        proxy=existing(instance.credentials.client_proxy) or user_proxy(environ),
        token=place.token(environ) if place else None,
        token_place=place,
    )


def user_proxy(environ: Mapping[str, str]) -> Path | None:
    """The user's X.509 proxy by the Grid's conventions: X509_USER_PROXY, else /tmp/x509up_u<uid>; None without."""
    named = environ.get("X509_USER_PROXY")
    return existing(Path(named).absolute()) if named else own_file(Path(f"/tmp/x509up_u{os.geteuid()}"))  # noqa: S108


def _places(instance: Instance, environ: Mapping[str, str], config: Config | None) -> Iterator[TokenPlace]:
    if instance.storage_token_env is not None:
        yield TokenPlace(env=instance.storage_token_env)
    if instance.storage_token_file is not None:
        yield TokenPlace(file=instance.storage_token_file)
    found = ambient(instance, environ, config)
    if found is not None:
        yield found
