"""Replicas that a sync knew, so that the next run finds a mounted file, and a worker any file, without asking Rucio.

``<store>/places/<SHA-256 of instance and list digest>`` has one line per replica, the best of a file first:
``scope:name<TAB>RSE<TAB>PFN``. Readers check each line before they use it. Losing the file costs one catalogue request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbrucio.core.did import Did
from nbrucio.core.files import Replica
from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import read_file
from nbrucio.errors import BadDid

#: About a million lines.
_MAX_BYTES = 1 << 28


class ReplicaPlaces:
    """The replica places of the store at ``root``. A damaged or unreadable file yields fewer entries, no error.

    Args:
        only: the RSE expression of this run. Then only replicas at the RSE of exactly this name are read: Rucio alone
            can tell which others match.
    """

    def __init__(self, root: Path, only: str | None = None) -> None:
        self._root = root
        self._only = only

    def read(self, instance: str, digest: str) -> dict[Did, tuple[Replica, ...]]:
        """Return the replicas known of files of the list with this digest (``sha256:…``)."""
        found = read_replicas(self.path(instance, digest))
        if self._only is None:
            return found
        matching = {did: tuple(one for one in replicas if one.rse == self._only) for did, replicas in found.items()}
        return {did: replicas for did, replicas in matching.items() if replicas}

    def add(self, instance: str, digest: str, places: Mapping[Did, Sequence[Replica]]) -> None:
        """Replace what is recorded of the files in ``places``, which may be a part of the list with this digest. A run
        with an RSE expression keeps the replicas at other RSEs.

        Raises:
            OSError: the store cannot be written.
        """
        path = self.path(instance, digest)
        known = read_replicas(path) if places else {}
        kept = {} if self._only is None else known
        new = {did: tuple(dict.fromkeys((*replicas, *kept.get(did, ())))) for did, replicas in places.items()}
        if any(known.get(did) != replicas for did, replicas in new.items()):
            write_replicas(path, {**known, **new})

    def path(self, instance: str, digest: str) -> Path:
        """Return the path of the file for this list, whether it exists or not."""
        return self._root / "places" / hashlib.sha256(f"{instance}\n{digest}".encode()).hexdigest()


def read_replicas(path: Path) -> dict[Did, tuple[Replica, ...]]:
    """Return the replicas in the file at ``path`` that can be read."""
    try:
        text = read_file(path, _MAX_BYTES, follow=False).decode("utf-8", "surrogatepass")
    except (OSError, ValueError):
        return {}
    found: dict[Did, tuple[Replica, ...]] = {}
    for line in text.splitlines():
        did, _, place = line.partition("\t")
        rse, _, pfn = place.partition("\t")
        try:
            key = Did.parse(did)
        except BadDid:
            continue
        found[key] = (*found.get(key, ()), Replica(rse, pfn))
    return found


def write_replicas(path: Path, replicas: Mapping[Did, Sequence[Replica]]) -> None:
    """Replace the file at ``path``.

    Raises:
        OSError: it cannot be written.
    """
    lines = (f"{did}\t{one.rse}\t{one.pfn}\n" for did, places in replicas.items() for one in places)
    make_private_folder(path.parent)
    write_file(path, "".join(lines).encode("utf-8", "surrogatepass"))
