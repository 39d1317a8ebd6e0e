"""A rucio.cfg for one instance, as a plain rucio client wants it.

UploadClient and the storage protocols below it make Rucio clients of their own, which know a server by rucio.cfg and
environment alone. So they run in a process that has nothing else: this file, and an environment without Rucio's
variables. The login token is the one that nbrucio keeps for the instance anyway. The password is not in the file: a
killed process would leave it on disk. The worker is told it by its standard input, and sets it in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nbrucio.atomic import write_file
from nbrucio.catalogue.storage import existing, user_proxy
from nbrucio.catalogue.tokens import token_file
from nbrucio.config import Instance
from nbrucio.fileaccess import make_private_folder
from nbrucio.leftovers import private_folder


@contextmanager
def plain_environment(instance: Instance, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment for a process whose Rucio clients know ``instance`` and no other server.

    Its rucio.cfg is readable by this user alone, and is removed with its folder at the end.

    Raises:
        BadConfig: no private folder can be made.
    """
    token = token_file(instance, environ)
    with private_folder(token.parent, "upload") as folder:
        file = folder / "etc" / "rucio.cfg"
        make_private_folder(file.parent)
        write_file(file, rucio_cfg(instance, token).encode())
        kept = {name: value for name, value in environ.items() if not name.startswith("RUCIO_")}
        own = {"RUCIO_HOME": str(folder), "RUCIO_CONFIG": str(file), "RUCIO_CLIENT_MODE": "1"}
        proxy = existing(instance.credentials.client_proxy) or user_proxy(environ)
        yield kept | own | ({"X509_USER_PROXY": str(proxy)} if proxy else {})


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
