"""A rucio.cfg for one instance, as a plain rucio client wants it.

UploadClient and the storage protocols below it make Rucio clients of their own, which know a server by rucio.cfg and
environment alone. So they run in a process that has nothing else: this file, and an environment without Rucio's
variables. It begins with the token that nbrucio has for the instance, and keeps its own to itself. The password is not
in the file: a killed process would leave it on disk. The worker is told it by its standard input and sets it in
memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nbrucio.catalogue.credentials import storage_credentials
from nbrucio.catalogue.errors import rejected
from nbrucio.catalogue.token_cache import LoginTokens, token_file
from nbrucio.config import Config, Instance
from nbrucio.disk.atomic import write_file
from nbrucio.disk.leftovers import private_folder
from nbrucio.disk.permissions import make_private_folder

#: Where tokens are discovered. The null device ends the search: the file that is named decides.
_NO_TOKEN = {"BEARER_TOKEN": "", "BEARER_TOKEN_FILE": os.devnull}


@contextmanager
def plain_environment(
    instance: Instance, environ: Mapping[str, str], config: Config | None = None
) -> Iterator[dict[str, str]]:
    """The environment for a process whose Rucio clients know ``instance`` of ``config`` and no other server.

    Its rucio.cfg and token are readable by this user alone, and are removed with their folder at the end.

    Raises:
        BadConfig: no private folder can be made.
        CredentialsRejected: only a login in a browser would help.
    """
    parent, tokens = token_file(instance, environ).parent, LoginTokens(instance, environ, config)
    token = tokens.current()
    if token is None and instance.auth_type == "oidc":
        raise rejected(instance, tokens.why_none())
    with private_folder(parent, "upload") as folder:
        file, kept = folder / "etc" / "rucio.cfg", folder / "token"
        make_private_folder(file.parent)
        write_file(file, rucio_cfg(instance, kept).encode())
        if token is not None:
            write_file(kept, token.encode())
        passed = {name: value for name, value in environ.items() if not name.startswith("RUCIO_")}
        own = {"RUCIO_HOME": str(folder), "RUCIO_CONFIG": str(file), "RUCIO_CLIENT_MODE": "1"}
        storage = storage_credentials(instance, environ, config)
        # Libraries of storage discover a token by themselves: they find this instance's or none.
        shown = _NO_TOKEN if storage.token is None else {"BEARER_TOKEN": storage.token}
        yield passed | own | shown | ({"X509_USER_PROXY": str(storage.proxy)} if storage.proxy else {})


def rucio_cfg(instance: Instance, token: Path) -> str:
    """The text of that rucio.cfg, without password; option names are those of rucio-clients' ``[client]`` section."""
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
    """``value`` as Rucio's configuration holds it: that is read with interpolation, where a percent sign is twice."""
    return str(value).replace("%", "%%")
