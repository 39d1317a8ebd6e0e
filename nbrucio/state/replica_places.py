"""Where files outside the store were had, kept so that a mounted file is found again without asking.

``<store>/places/<SHA-256 of instance and list digest>``: one line a file, ``scope:name<TAB>RSE<TAB>PFN``. What a line
says is looked at again before it is used; losing the file costs a question to the catalogue.
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
    """The memory under one store's root. Reading a damaged or unreadable part gives less, never an error."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, instance: str, digest: str) -> dict[Did, Replica]:
        """The replicas that were used for files of the list with this digest."""
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

    def keep(self, instance: str, digest: str, places: Mapping[Did, Replica]) -> None:
        """Keep these in place of earlier ones.

        Raises:
            OSError: the store cannot be written.
        """
        path = self.path(instance, digest)
        lines = (f"{did}\t{replica.rse}\t{replica.pfn}\n" for did, replica in places.items())
        make_private_folder(path.parent)
        write_file(path, "".join(lines).encode("utf-8", "surrogatepass"))

    def path(self, instance: str, digest: str) -> Path:
        """Where the places of files of this list are, if any are kept."""
        return self._root / "places" / hashlib.sha256(f"{instance}\n{digest}".encode()).hexdigest()
