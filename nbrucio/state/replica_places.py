"""Replicas that a sync used outside the store, so that the next run finds a mounted file without asking Rucio.

``<store>/places/<SHA-256 of instance and list digest>`` has one line per file: ``scope:name<TAB>RSE<TAB>PFN``. Readers
check each line against the mount before they use it. Losing the file costs one catalogue request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
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
    """The replica places of the store at ``root``. A damaged or unreadable file yields fewer entries, no error."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, instance: str, digest: str) -> dict[Did, Replica]:
        """Return the replicas used for files of the list with this digest (``sha256:…``)."""
        try:
            text = read_file(self.path(instance, digest), _MAX_BYTES, follow=False).decode("utf-8", "surrogatepass")
        except (OSError, ValueError):
            return {}
        found = {}
        for line in text.splitlines():
            did, _, place = line.partition("\t")
            rse, _, pfn = place.partition("\t")
            try:
                found[Did.parse(did)] = Replica(rse, pfn)
            except BadDid:
                continue
        return found

    def save(self, instance: str, digest: str, places: Mapping[Did, Replica]) -> None:
        """Replace the replicas recorded for the list with this digest.

        Raises:
            OSError: the store cannot be written.
        """
        path = self.path(instance, digest)
        lines = (f"{did}\t{replica.rse}\t{replica.pfn}\n" for did, replica in places.items())
        make_private_folder(path.parent)
        write_file(path, "".join(lines).encode("utf-8", "surrogatepass"))

    def path(self, instance: str, digest: str) -> Path:
        """Return the path of the file for this list, whether it exists or not."""
        return self._root / "places" / hashlib.sha256(f"{instance}\n{digest}".encode()).hexdigest()
