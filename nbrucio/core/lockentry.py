"""The lock: the file lists of a declaration's requirements, and their changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.core.did import Did, DidType
from nbrucio.core.filelist import is_digest, list_lines, parse_lines, sha256_sums
from nbrucio.core.files import DidFacts, FileEntry, total_bytes
from nbrucio.core.packed_files import bytes_of, digest_of_files
from nbrucio.core.selection import Selection
from nbrucio.core.text import human_bytes, plural
from nbrucio.core.whole import whole_number
from nbrucio.errors import BadDeclaration, BadDid

#: Lists up to this many files are pinned in the lock itself (design: longer ones belong beside the notebook).
INLINE_LIST_MAX_FILES = 64


class LockEntry(NamedTuple):
    """The locked content of one requirement.

    Attributes:
        did, select: those that were resolved; if they differ from the requirement's, the entry is stale.
        type, open: those of the DID at that time.
        files, size_bytes: totals; bytes are None when the size of a file is unknown.
        digest: ``sha256:<hex>`` over the file list, see `digest_of`.
        locked: the time of locking, ISO 8601 in UTC to the second.
        pinned: the file list itself, for an open dataset or a selection of at most `INLINE_LIST_MAX_FILES`; else None.
        sha256: hex SHA-256 by DID of files that were verified when the lock was written; at most
            `INLINE_LIST_MAX_FILES` files.
        extra: unknown keys, which are preserved.
    """

    did: Did
    select: Selection | None
    type: DidType
    open: bool
    files: int
    size_bytes: int | None
    digest: str
    locked: str
    pinned: tuple[FileEntry, ...] | None = None
    sha256: Mapping[str, str] = MappingProxyType({})
    extra: Mapping[str, object] = MappingProxyType({})

    def as_json(self) -> dict[str, object]:
        """Return the value in the notebook's ``lock`` from which `parse` makes this entry."""
        value: dict[str, object] = {"did": str(self.did)}
        if self.select:
            value["select"] = self.select.as_json()
        value |= {"type": self.type.value, "files": self.files, "bytes": self.size_bytes, "open": self.open}
        value |= {"digest": self.digest, "locked": self.locked}
        if self.pinned is not None:
            value["pinned"] = list_lines(self.pinned)
        if self.sha256:
            value["sha256"] = dict(sorted(self.sha256.items()))
        return value | dict(self.extra)

    @classmethod
    def parse(cls, value: object) -> LockEntry:
        """Parse an entry of the notebook's ``lock``.

        Raises:
            BadDeclaration: a key is missing or has the wrong type.
        """
        if not isinstance(value, Mapping):
            raise BadDeclaration("it must be an object")
        try:
            return cls._parse(value)
        except (KeyError, ValueError, TypeError, BadDid) as error:
            raise BadDeclaration(f"{error}") from error

    @classmethod
    def _parse(cls, value: Mapping[str, object]) -> LockEntry:
        known = {"did", "select", "type", "files", "bytes", "open", "digest", "locked", "pinned", "sha256"}
        select, pinned, sums = value.get("select"), value.get("pinned"), value.get("sha256")
        digest, locked, is_open = value["digest"], value["locked"], value["open"]
        if not isinstance(digest, str) or not is_digest(digest):
            raise ValueError("'digest' must be 'sha256:' and 64 hex digits")
        if not isinstance(locked, str) or not isinstance(is_open, bool):
            raise TypeError("'locked' must be a string, and 'open' true or false")
        if pinned is not None and (not isinstance(pinned, list) or len(pinned) > INLINE_LIST_MAX_FILES):
            raise ValueError(f"'pinned' must be a list of at most {INLINE_LIST_MAX_FILES} files")
        sha256 = sha256_sums(sums)
        if sums is not None and (not isinstance(sums, Mapping) or len(sha256) < len(sums)):
            raise ValueError("'sha256' must be an object with 64 hex digits for each DID")
        if len(sha256) > INLINE_LIST_MAX_FILES:
            raise ValueError(f"'sha256' must have at most {INLINE_LIST_MAX_FILES} files")
        return cls(
            did=Did.parse(str(value["did"])),
            select=Selection.parse(select) if select is not None else None,
            type=DidType(value["type"]),
            open=is_open,
            files=_amount(value["files"], "files"),
            size_bytes=None if value["bytes"] is None else _amount(value["bytes"], "bytes"),
            digest=digest,
            locked=locked,
            pinned=None if pinned is None else parse_lines(pinned),
            sha256=sha256,
            extra={key: kept for key, kept in value.items() if key not in known},
        )


def _amount(value: object, key: str) -> int:
    number = whole_number(value)
    if number is None or number < 0:
        raise ValueError(f"'{key}' must be a whole number of at least 0")
    return number


def lock_entry(facts: DidFacts, select: Selection | None, files: Sequence[FileEntry], locked: str) -> LockEntry:
    """Return the lock entry of a DID with ``files`` (after selection, sorted by DID) at the time ``locked``."""
    pin = pins(facts.open, select) and len(files) <= INLINE_LIST_MAX_FILES
    return LockEntry(
        did=facts.did,
        select=select,
        type=facts.type,
        open=facts.open,
        files=len(files),
        size_bytes=bytes_of(files),
        digest=digest_of_files(files),
        locked=locked,
        pinned=tuple(files) if pin else None,
    )


def pins(is_open: bool, select: Selection | None) -> bool:
    """Return whether a lock lists every file: a digest alone does not restore a list after a change in Rucio."""
    return is_open or select is not None


def same_content(old: LockEntry, new: LockEntry) -> bool:
    """Return whether both lock the same files of the same DID; the time does not matter."""
    return (old.did, old.select, old.digest) == (new.did, new.select, new.digest)


def drift_words(
    old: LockEntry, new: LockEntry, lists: tuple[Sequence[FileEntry], Sequence[FileEntry]] | None = None
) -> str | None:
    """Return the differences between ``old`` and ``new`` in words; None without any.

    Args:
        lists: the files of both; without them only totals are known, not which files were added or removed.
    """
    if same_content(old, new):
        return None
    if lists is not None:
        return _changes(*lists)
    files = new.files - old.files
    if old.size_bytes is None or new.size_bytes is None:
        verb = "lost" if files < 0 else "gained"
        return f"{verb} {plural(abs(files), 'file')} since the lock" if files else "other files or sizes, same number"
    size_bytes = new.size_bytes - old.size_bytes
    if not files and not size_bytes:
        return "other files or checksums, same number and size"
    verb = "gained" if files > 0 or (not files and size_bytes > 0) else "lost"
    return f"{verb} {plural(abs(files), 'file')}, {human_bytes(abs(size_bytes))} since the lock"


def count_words(old: LockEntry, new: LockEntry) -> str | None:
    """``locked 2 files, Rucio now has 3``; None when the numbers are the same."""
    return f"locked {plural(old.files, 'file')}, Rucio now has {new.files:,}" if old.files != new.files else None


def _changes(old: Sequence[FileEntry], new: Sequence[FileEntry]) -> str:
    before, after = {entry.did: entry for entry in old}, {entry.did: entry for entry in new}
    gained = [entry for did, entry in after.items() if did not in before]
    lost = [entry for did, entry in before.items() if did not in after]
    changed = [
        did for did, entry in after.items() if did in before and list_lines([before[did]]) != list_lines([entry])
    ]
    words = [
        f"{verb} {plural(len(files), 'file')}, {human_bytes(total_bytes(entry.size_bytes for entry in files))}"
        for verb, files in (("gained", gained), ("lost", lost))
        if files
    ]
    words += [f"has other bytes in {plural(len(changed), 'file')}"] if changed else []
    return f"{'; '.join(words) or 'has another DID or selection'} since the lock"


def now() -> str:
    """Return the present time in the format of locks."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
