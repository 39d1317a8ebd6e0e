"""Adds content to a sandbox: bytes at its storages, and DIDs and replicas in Rucio.

``client`` is the administrator's, from `Sandbox.admin`: Rucio's generic policy does not let others register replicas.
Requests are in bulk; 1,000 small files take a few seconds.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.errors import UsageError
from nbrucio.sandbox.rses import FOLDER_ATTRIBUTE

if TYPE_CHECKING:
    from rucio.client import Client

_BATCH = 500
# Largest number of characters of names in one request for paths, which must fit into its URL.
_PATHS_CHARS = 3000

_T = TypeVar("_T")


@dataclass(frozen=True)
class NewFile:
    """A file to add: its DID and its bytes."""

    did: Did
    data: bytes


def add_file(client: Client, scope: str, name: str, data: bytes, rses: Sequence[str]) -> Did:
    """Write ``data`` to each RSE and register the replicas with size, adler32 and md5."""
    did = Did(scope, name)
    add_files(client, [NewFile(did, data)], rses)
    return did


def add_files(client: Client, files: Sequence[NewFile], rses: Sequence[str]) -> None:
    """Add many files like `add_file`."""
    for rse in rses:
        paths = replica_paths(client, rse, [file.did for file in files])
        for file in files:
            path = paths[file.did]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
        for batch in _batches(files, _BATCH):
            client.add_replicas(rse, [_replica(file) for file in batch])


def add_dataset(client: Client, scope: str, name: str, files: Sequence[Did] = (), *, closed: bool = False) -> Did:
    """Create a dataset of existing files; open unless ``closed``."""
    client.add_dataset(scope, name)
    return _fill(client, Did(scope, name), files, closed=closed)


def add_container(client: Client, scope: str, name: str, children: Sequence[Did] = (), *, closed: bool = False) -> Did:
    """Create a container of existing datasets or containers; open unless ``closed``."""
    client.add_container(scope, name)
    return _fill(client, Did(scope, name), children, closed=closed)


def attach(client: Client, scope: str, name: str, children: Sequence[Did]) -> None:
    """Attach ``children`` to a dataset or container."""
    for batch in _batches(children, _BATCH):
        client.attach_dids(scope, name, [{"scope": child.scope, "name": child.name} for child in batch])


def close(client: Client, scope: str, name: str) -> None:
    """Close a dataset or container."""
    client.set_status(scope, name, open=False)


def replica_paths(client: Client, rse: str, dids: Iterable[Did]) -> dict[Did, Path]:
    """Return the path on this machine of each file's replica at ``rse``, whether it exists or not.

    Tests damage or remove replicas there.

    Raises:
        UsageError: a name leads out of the RSE's folder; the generic schema allows ``a/../../../../b``.
    """
    folder = Path(client.list_rse_attributes(rse)[FOLDER_ATTRIBUTE])
    prefix = client.get_protocols(rse)[0]["prefix"]
    wanted = {str(did): did for did in dids}
    paths = {}
    for batch in _url_batches(wanted):
        for text, pfn in client.lfns2pfns(rse, batch).items():
            path = folder / pfn.split(prefix, 1)[1]
            if not path.resolve().is_relative_to(folder.resolve()):
                raise UsageError(
                    f"The replica of {printable(text)} would be outside {folder}.",
                    subject=text,
                    hint="Choose another name for the file.",
                )
            paths[wanted[text]] = path
    return paths


def _fill(client: Client, did: Did, children: Sequence[Did], *, closed: bool) -> Did:
    attach(client, did.scope, did.name, children)
    if closed:
        close(client, did.scope, did.name)
    return did


def _replica(file: NewFile) -> dict[str, Any]:
    return {
        "scope": file.did.scope,
        "name": file.did.name,
        "bytes": len(file.data),
        "adler32": f"{zlib.adler32(file.data):08x}",
        "md5": hashlib.md5(file.data, usedforsecurity=False).hexdigest(),
    }


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _url_batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        if batch and sum(len(other) + 16 for other in batch) + len(text) > _PATHS_CHARS:
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch
