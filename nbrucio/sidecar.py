"""``NOTEBOOK.nbrucio-lock.json``: the long lists that a notebook's lock pins, in a file beside it.

One JSON object: ``lists`` has, by digest, the lines of `nbrucio.lock.list_lines`; ``sha256`` has, by the same digest,
the SHA-256 of files by DID. A list is named by its own digest, so a damaged or foreign one is found out and ignored.
The file is written before the notebook: a crash in between leaves lists that nothing names, and the next write
removes them.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.atomic import write_file
from nbrucio.catalogue.base import FileEntry
from nbrucio.errors import BadDid, BadNotebook
from nbrucio.lock import digest_of_lines, list_lines, parse_lines, sha256_sums

VERSION = 1
MAX_BYTES = 1 << 30


class Sidecar(NamedTuple):
    """What a sidecar holds.

    Attributes:
        lists: lines by digest, as they stand in the file.
        sha256: hex SHA-256 by DID, by digest.
    """

    lists: Mapping[str, list[str]] = MappingProxyType({})
    sha256: Mapping[str, Mapping[str, str]] = MappingProxyType({})

    def files(self, digest: str) -> tuple[FileEntry, ...] | None:
        """The list with this digest, sorted by DID; None when it is not here or damaged."""
        lines = self.lists.get(digest)
        if lines is None or digest_of_lines(lines) != digest:
            return None
        try:
            return parse_lines(lines)
        except (ValueError, BadDid):
            return None

    def sums(self, digest: str) -> Mapping[str, str]:
        """The SHA-256 of files of the list with this digest, by DID, as far as they are known."""
        return self.sha256.get(digest, {})

    def with_list(self, digest: str, files: Iterable[FileEntry] | None, sums: Mapping[str, str]) -> Sidecar:
        """A sidecar that also has this list, unless it is None, and these sums."""
        lists = self.lists if files is None else {**self.lists, digest: list_lines(files)}
        return Sidecar(lists, {**self.sha256, digest: sums} if sums else self.sha256)

    def restricted_to(self, digests: frozenset[str]) -> Sidecar:
        """A sidecar without what has no digest among these."""
        return Sidecar(
            {digest: lines for digest, lines in self.lists.items() if digest in digests},
            {digest: sums for digest, sums in self.sha256.items() if digest in digests},
        )


def path_for(notebook: Path) -> Path:
    """Where the sidecar of the notebook at this path is."""
    return notebook.with_name(f"{notebook.name}.nbrucio-lock.json")


def read(notebook: Path) -> Sidecar:
    """The sidecar of the notebook at this path; an empty one when there is none or it cannot be read."""
    path = path_for(notebook)
    try:
        if path.stat().st_size > MAX_BYTES:
            return Sidecar()
        value = json.loads(path.read_bytes())
        lists = {
            str(digest): [str(line) for line in lines]
            for digest, lines in value["lists"].items()
            if isinstance(lines, list)
        }
        sums = {str(digest): sha256_sums(known) for digest, known in value.get("sha256", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Sidecar()
    return Sidecar(lists, sums)


def write(notebook: Path, sidecar: Sidecar) -> None:
    """Make ``sidecar`` the one of the notebook at this path; an empty one is no file.

    Raises:
        BadNotebook: it cannot be written.
    """
    path = path_for(notebook)
    try:
        if not sidecar.lists and not sidecar.sha256:
            path.unlink(missing_ok=True)
            return
        value = {"version": VERSION, "lists": dict(sidecar.lists), "sha256": dict(sidecar.sha256)}
        data = (json.dumps(value, indent=0, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
        if path.exists() and path.read_bytes() == data:
            return
        write_file(path, data)
        path.chmod(stat.S_IMODE(notebook.stat().st_mode))  # who may read the notebook may read its lock
    except OSError as error:
        raise BadNotebook(f"{path} cannot be written: {error.strerror or error}.", subject=str(path)) from error
