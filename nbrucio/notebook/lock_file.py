"""``NOTEBOOK.nbrucio-lock.json``: the long file lists of a notebook's lock, in a file beside it.

One JSON object: ``lists`` has, by digest, the lines of `nbrucio.core.filelist.list_lines`; ``sha256`` has, by the same
digest, the SHA-256 of files by DID. A list is named by its own digest, so a damaged or foreign one is detected and
ignored.

A list that the notebook's lock names is never dropped: `add` writes new lists before the notebook is written, and
`prune` removes unused ones after that. A crash in between leaves unused lists, which the next edit removes. A lock file
that cannot be read is an error, and is never overwritten.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from nbrucio.core.filelist import digest_of_lines, list_lines, parse_lines, sha256_sums
from nbrucio.core.files import FileEntry
from nbrucio.disk.atomic import create_like, replace_file
from nbrucio.disk.read import read_saved, reason, stamp_of
from nbrucio.disk.system_errors import kind_of
from nbrucio.errors import BadDid, BadNotebook, UnreadableFile

VERSION = 1
#: About a million files.
MAX_BYTES = 1 << 28
_KNOWN = frozenset({"version", "lists", "sha256"})


class LockFile(NamedTuple):
    """Content of a lock file.

    Attributes:
        lists: lines by digest, as in the file.
        sha256: hex SHA-256 by DID, by digest.
        extra: keys unknown to this version, which are preserved.
        error: why the file could not be read; every access to its content raises it.
    """

    lists: Mapping[str, list[str]] = MappingProxyType({})
    sha256: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    extra: Mapping[str, object] = MappingProxyType({})
    error: UnreadableFile | None = None

    def files(self, digest: str) -> tuple[FileEntry, ...] | None:
        """Return the list with this digest, sorted by DID; None when it is missing or damaged.

        Raises:
            UnreadableFile: the lock file could not be read.
        """
        self._check()
        lines = self.lists.get(digest)
        if lines is None or digest_of_lines(lines) != digest:
            return None
        try:
            return parse_lines(lines)
        except (ValueError, BadDid):
            return None

    def sums(self, digest: str) -> Mapping[str, str]:
        """Return the known SHA-256 of files of the list with this digest, by DID.

        Raises:
            UnreadableFile: the lock file could not be read.
        """
        self._check()
        return self.sha256.get(digest, {})

    def with_list(self, digest: str, files: Iterable[FileEntry] | None, sums: Mapping[str, str]) -> LockFile:
        """Return a lock file with this list added, unless it is None, and with these sums."""
        lists = self.lists if files is None else {**self.lists, digest: list_lines(files)}
        return self._replace(lists=lists, sha256={**self.sha256, digest: sums} if sums else self.sha256)

    def restricted_to(self, digests: frozenset[str]) -> LockFile:
        """Return a lock file with only these digests."""
        return self._replace(
            lists={digest: lines for digest, lines in self.lists.items() if digest in digests},
            sha256={digest: sums for digest, sums in self.sha256.items() if digest in digests},
        )

    def joined(self, other: LockFile) -> LockFile:
        """Return a lock file with the content of both."""
        return self._replace(lists={**self.lists, **other.lists}, sha256={**self.sha256, **other.sha256})

    def _check(self) -> None:
        if self.error is not None:
            raise self.error


def path_for(notebook: Path) -> Path:
    """Return the path of the lock file for the notebook at this path."""
    return notebook.with_name(f"{notebook.name}.nbrucio-lock.json")


def read(notebook: Path) -> LockFile:
    """Read the lock file of the notebook at this path; an empty one when there is none.

    Raises:
        UnreadableFile: the file exists but cannot be read.
    """
    without = "lists that are only in it are then lost"
    return read_saved(path_for(notebook), MAX_BYTES, _parsed, LockFile(), without=without, follow=True)


def read_or_error(notebook: Path) -> LockFile:
    """Read like `read`, but never raise: the error of an unreadable file is `LockFile.error`."""
    try:
        return read(notebook)
    except UnreadableFile as error:
        return LockFile(error=error)


def _parsed(value: Mapping[str, Any]) -> LockFile:
    if value["version"] != VERSION:
        raise ValueError("it is from another version of nbrucio")
    lists, sums = value["lists"], value.get("sha256", {})
    if not all(isinstance(lines, list) and all(isinstance(line, str) for line in lines) for lines in lists.values()):
        raise TypeError("'lists'")
    if not all(isinstance(known, Mapping) for known in sums.values()):
        raise TypeError("'sha256'")
    extra = {key: kept for key, kept in value.items() if key not in _KNOWN}
    return LockFile(dict(lists), {digest: sha256_sums(known) for digest, known in sums.items()}, extra)


def add(notebook: Path, new: LockFile) -> None:
    """Add the content of ``new`` to the lock file of the notebook at this path.

    Raises:
        UnreadableFile: the present file cannot be read, and stays as it is.
        BadNotebook: it cannot be written.
    """
    _change(notebook, lambda present: present.joined(new))


def prune(notebook: Path, digests: frozenset[str]) -> None:
    """Remove lists of other digests from the lock file of the notebook at this path.

    Raises:
        UnreadableFile: the present file cannot be read, and stays as it is.
        BadNotebook: it cannot be written.
    """
    _change(notebook, lambda present: present.restricted_to(digests))


def _change(notebook: Path, change: Callable[[LockFile], LockFile]) -> None:
    path = path_for(notebook)
    found, present = _stamp(path), read(notebook)
    after = change(present)
    if after == present:
        return
    try:
        if not after.lists and not after.sha256 and not after.extra:
            path.unlink(missing_ok=True)
            return
        value = {**after.extra, "version": VERSION, "lists": dict(after.lists), "sha256": dict(after.sha256)}
        data = (json.dumps(value, indent=0, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
        if len(data) > MAX_BYTES:
            raise OSError(errno.E2BIG, f"it would be larger than {MAX_BYTES / 1e6:.0f} MB")
        if found is None:
            create_like(path, data, notebook)  # readers of the notebook may read its lock
        else:
            replace_file(path, data, last_check=lambda: _refuse_if_changed(path, found))
    except OSError as error:
        hint = f"Check that you may write the file and its folder {path.parent}."
        message = f"{path} cannot be written: {reason(error)}."
        raise kind_of(error, BadNotebook)(message, subject=str(path), hint=hint) from error
    except RecursionError as error:
        raise BadNotebook(
            f"{path} cannot be written: it is nested too deeply.", subject=str(path), hint="Restore or remove the file."
        ) from error


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return stamp_of(found)


def _refuse_if_changed(path: Path, found: tuple[int, int, int]) -> None:
    if _stamp(path) != found:
        raise OSError(errno.EAGAIN, "another program changed it meanwhile; try again")
