"""The accounts, scopes and RSEs of the sandbox, made through Rucio's REST interface as an administrator would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbrucio.sandbox.layout import Layout
from nbrucio.sandbox.state import State

if TYPE_CHECKING:
    from rucio.client import Client

ADMIN = "root"
ACCOUNT = "sandbox"
SCOPES = ("sandbox", "user.sandbox")
HTTPS_PREFIX = "/data/"
#: RSE attribute that names the folder on this machine; `seed` writes replicas there.
FOLDER_ATTRIBUTE = "sandbox_folder"

_DOMAIN = {"read": 1, "write": 1, "delete": 1}
_DOMAINS = {"lan": _DOMAIN, "wan": {**_DOMAIN, "third_party_copy_read": 1, "third_party_copy_write": 1}}


@dataclass(frozen=True)
class Rse:
    """One storage element of the sandbox."""

    name: str
    scheme: str


POSIX = Rse("SANDBOX_POSIX", "file")
#: Reached by file:// as well, and configured as mounted in the sandbox's nbrucio.toml.
MOUNT = Rse("SANDBOX_MOUNT", "file")
HTTPS = Rse("SANDBOX_HTTPS", "https")
RSES = (POSIX, MOUNT, HTTPS)


def add_accounts(client: Client, state: State) -> None:
    """The plain account, its login and its scopes. ``client`` is the administrator's."""
    client.add_account(ACCOUNT, "USER", f"{ACCOUNT}@localhost")
    client.add_identity(
        ACCOUNT, ACCOUNT, authtype="USERPASS", email=f"{ACCOUNT}@localhost", default=True, password=state.user_password
    )
    for scope in SCOPES:
        client.add_scope(ACCOUNT, scope)


def add_rses(client: Client, layout: Layout, state: State) -> None:
    """The RSEs, their protocols, and unlimited quota on each; `rucio upload` makes rules, which need it."""
    for rse in RSES:
        layout.rse_folder(rse.name).mkdir(parents=True, exist_ok=True)
        client.add_rse(rse.name, deterministic=True, volatile=False)
        client.add_rse_attribute(rse.name, FOLDER_ATTRIBUTE, str(layout.rse_folder(rse.name)))
        client.add_protocol(rse.name, _protocol(rse, layout, state))
        for account in (ACCOUNT, ADMIN):
            client.set_account_limit(account, rse.name, -1, "local")


def repoint_https(client: Client, layout: Layout, state: State) -> None:
    """Make Rucio know the HTTPS storage at its present port. No-op when it does."""
    for protocol in client.get_protocols(HTTPS.name):
        if protocol["port"] != state.storage_port:
            client.delete_protocols(
                HTTPS.name, protocol["scheme"], hostname=protocol["hostname"], port=protocol["port"]
            )
            client.add_protocol(HTTPS.name, _protocol(HTTPS, layout, state))


def _protocol(rse: Rse, layout: Layout, state: State) -> dict[str, Any]:
    if rse.scheme == "https":
        where = {"hostname": "127.0.0.1", "port": state.storage_port, "prefix": HTTPS_PREFIX}
        return {"scheme": "https", "impl": "rucio.rse.protocols.webdav.Default", "domains": _DOMAINS, **where}
    where = {"hostname": "localhost", "port": 0, "prefix": f"{layout.rse_folder(rse.name)}/"}
    return {"scheme": "file", "impl": "rucio.rse.protocols.posix.Default", "domains": _DOMAINS, **where}
