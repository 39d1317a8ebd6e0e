"""The environment of a child: a rucio.cfg for one instance, and nothing else that rucio-clients would find.

UploadClient and its storage protocols create Rucio clients of their own, which know a server from rucio.cfg and
environment only. The child starts with a token of nbrucio's, and does not share its own. The password is not in the
file, because a killed process would leave it on disk: the child gets it on its standard input.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nbrucio.catalogue.credentials import storage_credentials
from nbrucio.catalogue.token_cache import token_file
from nbrucio.config import Config, Instance
from nbrucio.disk.atomic import write_file
from nbrucio.disk.leftovers import private_folder
from nbrucio.disk.permissions import make_private_folder

#: Stops token discovery: BEARER_TOKEN_FILE takes precedence over default places, and the null device is empty.
_NO_TOKEN = {"BEARER_TOKEN": "", "BEARER_TOKEN_FILE": os.devnull}


@contextmanager
def isolated(
    instance: Instance, environ: Mapping[str, str], config: Config | None = None, *, token: str | None
) -> Iterator[dict[str, str]]:
    """Provide the environment for a child whose Rucio clients know ``instance`` of ``config`` and no other server.

    Only this user can read its rucio.cfg and ``token``; they are removed with their folder at the end.

    Raises:
        BadConfig: the private folder cannot be created.
    """
    parent = token_file(instance, environ).parent
    with private_folder(parent, "child") as folder:
        file, token_path = folder / "etc" / "rucio.cfg", folder / "token"
        make_private_folder(file.parent)
        write_file(file, rucio_cfg(instance, token_path).encode())
        if token is not None:
            write_file(token_path, token.encode())
        passed = {name: value for name, value in environ.items() if not name.startswith("RUCIO_")}
        own = {"RUCIO_HOME": str(folder), "RUCIO_CONFIG": str(file), "RUCIO_CLIENT_MODE": "1"}
        storage = storage_credentials(instance, environ, config)
        # Storage libraries search for a token themselves: let them find this instance's token or none.
        shown = _NO_TOKEN if storage.token is None else {"BEARER_TOKEN": storage.token}
        yield (
            passed
            | own
            | shown
            | ({"X509_USER_PROXY": str(storage.proxy)} if storage.proxy and not storage.key else {})
        )


def rucio_cfg(instance: Instance, token: Path) -> str:
    """Return the text of that rucio.cfg without password; see rucio-clients' ``[client]`` section for its options."""
    login = instance.credentials
    options = {
        "rucio_host": instance.host,
        "auth_host": instance.auth_host,
        "auth_type": instance.auth_type,
        "account": instance.account,
        "vo": instance.vo,
        "ca_cert": instance.ca_cert,
        "username": login.username,
        "client_cert": login.client_cert,
        "client_key": login.client_key or login.client_cert,
        "client_x509_proxy": login.client_proxy,
        "ssh_private_key": login.ssh_private_key,
        "auth_token_file_path": token,
        "request_retries": 1,
        **{f"oidc_{name}": value for name, value in login.oidc.items()},
    }
    lines = ["[client]"]
    lines += [f"{name} = {escaped(value)}" for name, value in options.items() if value is not None]
    return "\n".join(lines) + "\n"


def escaped(value: object) -> str:
    """Escape percent signs, since Rucio reads its configuration with interpolation."""
    return str(value).replace("%", "%%")


def order_of(instance: Instance) -> dict[str, str]:
    """Return what a child needs of ``instance`` for its error messages."""
    return {name: getattr(instance, name) for name in ("name", "identity", "host", "auth_host", "auth_type")}
