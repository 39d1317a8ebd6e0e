"""Did the data change between two notebooks? By what each recorded when it ran, else by its lock.

An executed notebook holds the record of what it read (`nbrucio.runners.provenance`); any other holds at most a lock.
Which files came and went can be told where both sides list them, or the store remembers the lists.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.declaration import Requirement, lock_for
from nbrucio.core.did import Did
from nbrucio.core.filelist import is_digest, list_lines, parse_lines
from nbrucio.core.files import FileEntry
from nbrucio.core.selection import Selection
from nbrucio.errors import BadDid
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.state.resolutions import Resolutions

#: Gives the file list with a digest where this machine remembers it.
Lists = Callable[[str], Sequence[FileEntry] | None]


@dataclass(frozen=True)
class Held:
    """What one handle of a notebook stands for.

    Attributes:
        handle, did, instance, select: as declared; the DID that was read where a parameter chose it.
        files, size_bytes, digest: None when it was neither read nor locked.
        entries: the files themselves; None when they are not listed.
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
        """This as a JSON-ready mapping."""
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
    """Which files differ between two lists."""

    added: tuple[FileEntry, ...]
    removed: tuple[FileEntry, ...]
    changed: tuple[FileEntry, ...]

    def as_json(self) -> dict[str, object]:
        """The DIDs as a JSON-ready mapping."""
        return {kind: [str(entry.did) for entry in entries] for kind, entries in vars(self).items()}


@dataclass(frozen=True)
class Change:
    """How one handle differs.

    Attributes:
        kind: ``added``, ``removed``, ``changed``, ``same``, or ``unknown`` where a side was neither read nor locked.
        old, new: what it stood for; None where the notebook does not declare it.
        files: which files differ; None when that cannot be told.
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
        """This as a JSON-ready mapping."""
        return {
            "handle": self.handle,
            "change": self.kind,
            "old": self.old.as_json() if self.old else None,
            "new": self.new.as_json() if self.new else None,
            "files": self.files.as_json() if self.files else None,
        }


def remembered_lists(config: Config) -> Lists:
    """The file lists that this machine remembers."""
    return Resolutions(config.store_path).files


def diff(old: Path, new: Path, lists: Lists) -> tuple[Change, ...]:
    """How the data of the notebook at ``new`` differs from that at ``old``, by handle, in order; equal ones included.

    Args:
        lists: see `Lists`.

    Raises:
        BadNotebook, BadDeclaration: one of them cannot be read.
    """
    before, after = holds(old), holds(new)
    return tuple(_change(before.get(handle), after.get(handle), lists) for handle in {**before, **after})


def holds(path: Path) -> dict[str, Held]:
    """What the notebook at ``path`` stands for, by handle; nothing for an empty file such as ``/dev/null``.

    Raises:
        BadNotebook, BadDeclaration: it cannot be read.
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
    return str(path) == os.devnull or (path.is_file() and path.stat().st_size == 0)


def _locked(requirement: Requirement, declared: Declared) -> Held:
    lock = lock_for(requirement, declared.declaration.lock)
    about = (requirement.handle, str(requirement.did), requirement.instance, _select_words(requirement.select))
    if lock is None:
        return Held(*about)
    return Held(*about, lock.files, lock.size_bytes, lock.digest, lock.pinned)


def _read(handle: str, facts: Mapping[str, object]) -> Held:
    """What a record says; what is malformed in it counts as unknown."""
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
    # A notebook that names no instance means the default one of where it runs, which a record then names.
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
    """What a notebook stands for as lines that differ exactly when its data does; for ``git``'s textconv."""
    for handle, data in sorted(held.items()):
        yield f"{handle}: {data.did}" + (f" at {data.instance}" if data.instance else "")
        for word, value in (("select", data.select), ("files", data.files), ("bytes", data.size_bytes)):
            if value is not None:
                yield f"  {word} {value}"
        if data.digest:
            yield f"  digest {data.digest}"
        for line in list_lines(data.entries or ()):
            yield f"  {line}"
