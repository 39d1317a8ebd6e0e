"""RSEs that a sync cannot read from: switched off, on tape, by SRM only; with files that have no other replica."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from nbrucio.core.did import Did
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files

_DOMAIN = {"read": 1, "write": 1, "delete": 1}
DOMAINS = {"lan": _DOMAIN, "wan": {**_DOMAIN, "third_party_copy_read": 1, "third_party_copy_write": 1}}
_HTTPS = {"scheme": "https", "impl": "rucio.rse.protocols.webdav.Default"}
_SRM_PATH = {"web_service_path": "/srm/managerv2?SFN=", "space_token": "DATADISK"}
_SRM = {"scheme": "srm", "impl": "rucio.rse.protocols.gfalv2.Default", "extended_attributes": _SRM_PATH}

#: By the end of the RSE's name: its type, its protocol, and the state of its replica.
_KINDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "OFF": ("DISK", _HTTPS, "A"),
    "TAPE": ("TAPE", _HTTPS, "A"),
    "SRM": ("DISK", _SRM, "A"),
    "COPYING": ("DISK", _HTTPS, "C"),
}


class OddRses(NamedTuple):
    """Names of RSEs, by kind; each has the one file ``sandbox:PREFIX/KIND``, which the dataset `did` contains besides
    ``sandbox:PREFIX/GOOD``, a file that can be read.
    """

    prefix: str
    did: Did

    def rse(self, kind: str) -> str:
        """Return the RSE of a kind."""
        return f"{self.prefix}_{kind}"

    def file(self, kind: str) -> Did:
        """Return the file at the RSE of a kind."""
        return Did("sandbox", f"{self.prefix}/{kind}")


@contextmanager
def odd_rses(sandbox: Sandbox, prefix: str) -> Iterator[OddRses]:
    """Have them in the sandbox during the block; a prefix serves once, because Rucio never forgets a name."""
    odd = OddRses(prefix, Did("sandbox", prefix))
    with sandbox.admin() as client:
        for kind, (rse_type, protocol, state) in _KINDS.items():
            client.add_rse(odd.rse(kind), deterministic=True, rse_type=rse_type)
            where = {"hostname": "storage.example", "port": 8443, "prefix": "/data/", "domains": DOMAINS}
            client.add_protocol(odd.rse(kind), protocol | where)
            client.add_replicas(odd.rse(kind), [_replica(odd.file(kind), state)])
        client.update_rse(odd.rse("OFF"), {"availability_read": False})
        add_files(client, [NewFile(odd.file("GOOD"), b"good")], ["SANDBOX_HTTPS"])
        add_dataset(client, "sandbox", prefix, [odd.file(kind) for kind in ("GOOD", *_KINDS)])
    try:
        yield odd
    finally:
        forget_rses(sandbox, f"{prefix}_")


def forget_rses(sandbox: Sandbox, prefix: str) -> None:
    """Remove the RSEs of this prefix. Rucio's generic policy lets nobody delete replicas, without which they stay."""
    with closing(sqlite3.connect(sandbox.root / "server" / "rucio.db", timeout=60)) as opened, opened:
        opened.execute("UPDATE rses SET deleted = 1 WHERE substr(rse, 1, ?) = ?", [len(prefix), prefix])


def _replica(did: Did, state: str) -> dict[str, object]:
    return {"scope": did.scope, "name": did.name, "bytes": 4, "adler32": "03da0195", "state": state}
