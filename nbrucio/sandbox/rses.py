"""Accounts, scopes and RSEs of the sandbox, created through Rucio's REST interface as an administrator would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.state import State

if TYPE_CHECKING:
    from rucio.client import Client

ADMIN = "root"
ACCOUNT = "sandbox"
SCOPES = ("sandbox", "user.sandbox")
#: RSE attribute with its folder on this machine; `seed` writes replicas there.
FOLDER_ATTRIBUTE = "sandbox_folder"

_DOMAIN = {"read": 1, "write": 1, "delete": 1}
_DOMAINS = {"lan": _DOMAIN, "wan": {**_DOMAIN, "third_party_copy_read": 1, "third_party_copy_write": 1}}


@dataclass(frozen=True)
class Rse:
    """A storage element of the sandbox."""

    name: str
    scheme: str
    prefix: str = ""  # URL prefix for https


POSIX = Rse("SANDBOX_POSIX", "file")
#: Also file://, and configured as mounted in the sandbox's nbrucio.toml.
MOUNT = Rse("SANDBOX_MOUNT", "file")
HTTPS = Rse("SANDBOX_HTTPS", "https", "/data/")
#: For uploads: Rucio's generic policy lets plain accounts add replicas only at RSEs whose names end like these
#: (``perm_add_replicas`` in its ``core/permission/generic.py``).
SCRATCH = Rse("SANDBOX_SCRATCHDISK", "file")
HTTPS_SCRATCH = Rse("SANDBOX_HTTPS_SCRATCHDISK", "https", "/scratch/")
RSES = (POSIX, MOUNT, HTTPS, SCRATCH, HTTPS_SCRATCH)
BY_HTTPS = tuple(rse for rse in RSES if rse.scheme == "https")


def add_accounts(client: Client, state: State) -> None:
    """Create the plain account, its login and its scopes. ``client`` is the administrator's."""
    client.add_account(ACCOUNT, "USER", f"{ACCOUNT}@localhost")
    client.add_identity(
        ACCOUNT, ACCOUNT, authtype="USERPASS", email=f"{ACCOUNT}@localhost", default=True, password=state.user_password
    )
    for scope in SCOPES:
        client.add_scope(ACCOUNT, scope)


def add_rses(client: Client, layout: SandboxLayout, state: State) -> None:
    """Create the RSEs, their protocols, and an unlimited quota on each, which the rules of `rucio upload` need.

    Existing RSEs stay as they are: an earlier nbrucio may have made the sandbox.
    """
    known = {row["rse"] for row in client.list_rses()}
    for rse in (rse for rse in RSES if rse.name not in known):
        layout.rse_folder(rse.name).mkdir(parents=True, exist_ok=True)
        client.add_rse(rse.name, deterministic=True, volatile=False)
        client.add_rse_attribute(rse.name, FOLDER_ATTRIBUTE, str(layout.rse_folder(rse.name)))
        client.add_protocol(rse.name, _protocol(rse, layout, state))
        for account in (ACCOUNT, ADMIN):
            client.set_account_limit(account, rse.name, -1, "local")


def repoint_https(client: Client, layout: SandboxLayout, state: State) -> None:
    """Update the port of the HTTPS storage in Rucio. No-op when it is right."""
    for rse in BY_HTTPS:
        for protocol in client.get_protocols(rse.name):
            if protocol["port"] != state.storage_port:
                client.delete_protocols(
                    rse.name, protocol["scheme"], hostname=protocol["hostname"], port=protocol["port"]
                )
                client.add_protocol(rse.name, _protocol(rse, layout, state))


def _protocol(rse: Rse, layout: SandboxLayout, state: State) -> dict[str, Any]:
    if rse.scheme == "https":
        where = {"hostname": "127.0.0.1", "port": state.storage_port, "prefix": rse.prefix}
        return {"scheme": "https", "impl": "rucio.rse.protocols.webdav.Default", "domains": _DOMAINS, **where}
    where = {"hostname": "localhost", "port": 0, "prefix": f"{layout.rse_folder(rse.name)}/"}
    return {"scheme": "file", "impl": "rucio.rse.protocols.posix.Default", "domains": _DOMAINS, **where}
