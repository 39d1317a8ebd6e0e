"""Credentials for storage, as plain values. They never include a token that Rucio issued."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.catalogue.bearer import Claims, TokenPlace, ambient, claims, existing
from nbrucio.catalogue.certificates import user_proxy, why_unusable
from nbrucio.catalogue.login_tokens import configured_places
from nbrucio.catalogue.renewal import Renewal
from nbrucio.catalogue.token_cache import saved_token
from nbrucio.config import Config, Instance, Policy
from nbrucio.disk.read import reason
from nbrucio.errors import BadConfig, CredentialsRejected, UnreadableFile

#: Where the Grid's packages put its CAs.
GRID_CAS = Path("/etc/grid-security/certificates")


@dataclass(frozen=True)
class StorageCredentials:
    """Credentials for an instance's storage.

    Attributes:
        ca: file or folder of the CAs for the storage's certificates; None means those of this machine.
        with_system_cas: whether the CAs of this machine are accepted, too.
        proxy: an X.509 proxy, or a certificate, in PEM.
        key: the file of its private key; None where `proxy` holds it.
        token: a bearer token.
        token_place: the place of that token; None for one from an earlier login.
    """

    ca: Path | None = None
    with_system_cas: bool = False
    proxy: Path | None = None
    key: Path | None = None
    token: str | None = field(default=None, repr=False)
    token_place: TokenPlace | None = None


def storage_credentials(
    instance: Instance, environ: Mapping[str, str], config: Config | None = None
) -> StorageCredentials:
    """Return the credentials that the user has for the storage of ``instance``.

    CAs: the instance's ``storage_ca`` alone; else the Grid's, of X509_CERT_DIR or `GRID_CAS`, beside those of this
    machine. Proxy: the instance's, else that of `user_proxy`, else the instance's certificate. Token: of
    ``storage_token_env`` or ``storage_token_file``, else the discovered one if it belongs to this instance of
    ``config``, else with an OIDC login the one for its Rucio server; the first valid one.
    """
    place = next((place for place in _places(instance, environ, config) if place.token(environ)), None)
    proxy, key = _certificate(instance, environ)
    grid = _grid_cas(environ)
    return StorageCredentials(
        ca=instance.storage_ca or grid,
        with_system_cas=instance.storage_ca is None and grid is not None,
        proxy=proxy,
        key=key,
        token=place.token(environ) if place else _login_token(instance, environ, config.policy if config else Policy()),
        token_place=place,
    )


def ca_fault(instance: Instance, environ: Mapping[str, str]) -> UnreadableFile | None:
    """Return the error if the CAs for the storage of ``instance`` cannot be read; None if they can, and if it is left
    to this machine.
    """
    path = instance.storage_ca or _grid_cas(environ)
    if path is None:
        return None
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        setting = "X509_CERT_DIR" if instance.storage_ca is None else f"storage_ca of {instance.name}"
        return UnreadableFile(
            f"{path}, with the CAs of the storage, cannot be read: {reason(error)}.",
            subject=str(path),
            hint=f"Put them there, or correct {setting}.",
        )
    return None


def _grid_cas(environ: Mapping[str, str]) -> Path | None:
    folder = environ.get("X509_CERT_DIR")
    if folder:
        return Path(folder)
    return GRID_CAS if GRID_CAS.is_dir() else None


def _certificate(instance: Instance, environ: Mapping[str, str]) -> tuple[Path | None, Path | None]:
    """Return a proxy, else a usable certificate and its key; else None twice, because most storage needs none."""
    proxy = existing(instance.credentials.client_proxy) or user_proxy(environ)
    certificate = instance.credentials.client_cert
    if proxy is not None or certificate is None or instance.auth_type != "x509":
        return proxy, None
    key = instance.credentials.client_key or certificate
    return (None, None) if why_unusable(certificate, key) else (certificate, key)


def _login_token(instance: Instance, environ: Mapping[str, str], policy: Policy) -> str | None:
    """The identity provider's token of an earlier OIDC login, as `rucio download` uses it; a JWT, unlike Rucio's."""
    if instance.auth_type != "oidc":
        return None
    with suppress(BadConfig, CredentialsRejected):  # the login itself reports it
        Renewal(instance, environ, policy)()
        token = saved_token(instance, environ)
        if token is not None and claims(token) != Claims() and claims(token).is_current():
            return token
    return None


def _places(instance: Instance, environ: Mapping[str, str], config: Config | None) -> Iterator[TokenPlace]:
    if instance.storage_token_env is not None:
        yield TokenPlace(env=instance.storage_token_env)
    if instance.storage_token_file is not None:
        yield TokenPlace(file=instance.storage_token_file)
    found = ambient(instance, environ, config)
    if found is not None:
        yield found
    if instance.auth_type == "oidc":
        yield from configured_places(instance)
