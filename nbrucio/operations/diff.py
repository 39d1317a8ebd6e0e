"""Compares the data of two notebooks, by the record of their last run, else by their lock.

Only an executed notebook contains a record of the data that it read (`nbrucio.runners.provenance`). Differing files are
known when both notebooks or the store have the file lists.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.filelist import is_digest, list_lines, parse_lines
from nbrucio.core.files import FileEntry
from nbrucio.core.requirement import Requirement, lock_for
from nbrucio.core.selection import Selection
from nbrucio.errors import BadDid, Drift, NbrucioError, envelope
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.state.resolutions import Resolutions

#: Returns the file list with a digest; None when this machine does not remember it.
Lists = Callable[[str], Sequence[FileEntry] | None]


@dataclass(frozen=True)
class Held:
    """The data of one handle.

    Attributes:
        handle, did, instance, select: as declared; the DID of a parameter is the one that was read.
        files, size_bytes, digest: None without a record and a lock.
        entries: the files; None when they are not listed.
    """

    handle: str
    did: str
    instance: str | None = None
    select: str | None = None
    files: int | None = None
    size_bytes: int | None = None
    digest: str | None = None
    entries: tuple[FileEntry, ...] | None = None

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        return {
            "did": self.did,
            "instance": self.instance,
            "select": self.select,
            "files": self.files,
            "bytes": self.size_bytes,
            "digest": self.digest,
        }


@dataclass(frozen=True)
class FileChanges:
    """Differences between two file lists."""

    added: tuple[FileEntry, ...]
    removed: tuple[FileEntry, ...]
    changed: tuple[FileEntry, ...]

    def as_json(self) -> dict[str, object]:
        """Return the DIDs as a JSON-ready mapping."""
        return {kind: [str(entry.did) for entry in entries] for kind, entries in vars(self).items()}


@dataclass(frozen=True)
class Change:
    """The difference of one handle.

    Attributes:
        kind: ``added``, ``removed``, ``changed``, ``same``, or ``unknown`` when a side has neither a record nor a lock.
        old, new: data on each side; None where the notebook does not declare the handle.
        files: differing files; None when they are unknown.
    """

    kind: str
    old: Held | None
    new: Held | None
    files: FileChanges | None = None

    @property
    def handle(self) -> str:
        """The handle."""
        held = self.new or self.old
        assert held is not None
        return held.handle

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        return {
            "handle": self.handle,
            "change": self.kind,
            "old": self.old.as_json() if self.old else None,
            "new": self.new.as_json() if self.new else None,
            "files": self.files.as_json() if self.files else None,
        }


def remembered_lists(config: Config) -> Lists:
    """Return a function that returns file lists remembered on this machine."""
    return Resolutions(config.store_path).files


@dataclass(frozen=True)
class DiffReport:
    """The comparison of two notebooks.

    Attributes:
        old, new: the notebooks.
        changes: one for each handle, those of the old notebook first; also handles without differences.
    """

    old: Path
    new: Path
    changes: tuple[Change, ...]

    @property
    def differences(self) -> tuple[Change, ...]:
        """The handles whose data differs."""
        return tuple(change for change in self.changes if change.kind != "same")

    def errors(self) -> tuple[NbrucioError, ...]:
        """Return nothing: a difference is not an error, and an unreadable notebook raises."""
        return ()

    @property
    def exit_code(self) -> int:
        """0 for the same data, 3 for a difference."""
        return Drift.exit_code if self.differences else 0

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        return {
            **envelope(self.errors(), self.exit_code),
            "old": str(self.old),
            "new": str(self.new),
            "changes": [change.as_json() for change in self.changes],
        }


def diff(old: Path, new: Path, lists: Lists) -> DiffReport:
    """Compare the data of two notebooks by handle.

    Args:
        lists: see `Lists`.

    Raises:
        BadNotebook, BadDeclaration: a notebook cannot be read.
    """
    before, after = holds(old), holds(new)
    changes = (_change(before.get(handle), after.get(handle), lists) for handle in {**before, **after})
    return DiffReport(old, new, tuple(changes))


def holds(path: Path) -> dict[str, Held]:
    """Return the data of the notebook at ``path`` by handle; empty for an empty file such as ``/dev/null``.

    Raises:
        BadNotebook, BadDeclaration: the notebook cannot be read.
    """
    if _is_nothing(path):
        return {}
    declared = read_declared(path)
    held = {r.handle: _locked(r, declared) for r in declared.declaration.requirements}
    value = declared.notebook.value()
    record = value.get("read") if isinstance(value, Mapping) else None
    data = record.get("data") if isinstance(record, Mapping) else None
    for handle, facts in data.items() if isinstance(data, Mapping) else ():
        if isinstance(facts, Mapping):
            held[str(handle)] = _read(str(handle), facts)
    return held


def _is_nothing(path: Path) -> bool:
    try:
        return str(path) == os.devnull or (path.is_file() and path.stat().st_size == 0)
    except OSError:  # such as a name that is too long; reading it as a notebook reports that
        return False


def _locked(requirement: Requirement, declared: Declared) -> Held:
    lock = lock_for(requirement, declared.declaration.lock)
    about = (requirement.handle, str(requirement.did), requirement.instance, _select_words(requirement.select))
    if lock is None:
        return Held(*about)
    return Held(*about, lock.files, lock.size_bytes, lock.digest, lock.pinned)


def _read(handle: str, facts: Mapping[str, object]) -> Held:
    """Parse a record; malformed parts count as unknown."""
    files, size_bytes, digest, instance = (facts.get(key) for key in ("files", "bytes", "digest", "instance"))
    lines, select = facts.get("list"), facts.get("select")
    try:
        entries = parse_lines(lines) if isinstance(lines, list) else None
    except (ValueError, BadDid):
        entries = None
    return Held(
        handle,
        str(facts.get("did")),
        instance if isinstance(instance, str) else None,
        _select_words(Selection.parse(select)) if isinstance(select, Mapping) else None,
        files if isinstance(files, int) else None,
        size_bytes if isinstance(size_bytes, int) else None,
        digest if isinstance(digest, str) and is_digest(digest) else None,
        entries,
    )


def _select_words(select: Selection | None) -> str | None:
    return ", ".join(f"{key} {value}" for key, value in select.as_json().items()) if select else None


def _change(old: Held | None, new: Held | None, lists: Lists) -> Change:
    if old is None or new is None:
        return Change("added" if old is None else "removed", old, new)
    # A notebook without an instance uses the default one where it runs; its record then names that one.
    elsewhere = None not in (old.instance, new.instance) and old.instance != new.instance
    if (old.did, old.select) != (new.did, new.select) or elsewhere:
        return Change("changed", old, new, _file_changes(old, new, lists))
    if old.digest is None or new.digest is None:
        return Change("same" if old.digest == new.digest else "unknown", old, new)
    if old.digest == new.digest:
        return Change("same", old, new)
    return Change("changed", old, new, _file_changes(old, new, lists))


def _file_changes(old: Held, new: Held, lists: Lists) -> FileChanges | None:
    before, after = _entries(old, lists), _entries(new, lists)
    if before is None or after is None:
        return None
    return FileChanges(
        added=tuple(entry for did, entry in after.items() if did not in before),
        removed=tuple(entry for did, entry in before.items() if did not in after),
        changed=tuple(
            entry for did, entry in after.items() if did in before and list_lines([entry]) != list_lines([before[did]])
        ),
    )


def _entries(held: Held, lists: Lists) -> dict[Did, FileEntry] | None:
    entries = held.entries if held.entries is not None else lists(held.digest) if held.digest else None
    return None if entries is None else {entry.did: entry for entry in entries}


def stable_lines(held: Mapping[str, Held]) -> Iterator[str]:
    """Yield lines that differ exactly when the notebook's data differs; for ``git``'s textconv."""
    for handle, data in sorted(held.items()):
        yield f"{handle}: {data.did}" + (f" at {data.instance}" if data.instance else "")
        for word, value in (("select", data.select), ("files", data.files), ("bytes", data.size_bytes)):
            if value is not None:
                yield f"  {word} {value}"
        if data.digest:
            yield f"  digest {data.digest}"
        for line in list_lines(data.entries or ()):
            yield f"  {line}"
