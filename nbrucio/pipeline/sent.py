"""Files of ``nbrucio.data`` that another process sent, see `nbrucio.kernel.travel`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, SupportsIndex, overload

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, Replica, total_bytes
from nbrucio.kernel import samples, travel
from nbrucio.pipeline.reach import WantedFile, reach

Facts = Mapping[str, Any]


def restored(facts: Facts, files: list[dict[str, Any]]) -> SentFiles | SentPath | SentFile:
    """Return the files that a pickle describes. Nothing but the sender's paths is checked yet, because Dask's scheduler
    unpickles them, too.
    """
    if facts["whole"]:
        return (SentSingleFile if len(files) == 1 else SentFiles)(facts, files)
    return _one(facts, files[0])


class SentPath(str):
    """A path or URL that this process can open; sent on, that of the copy there."""

    __slots__ = ("_facts", "_file")

    _facts: Facts
    _file: dict[str, Any]

    def __new__(cls, place: str, facts: Facts, file: dict[str, Any]) -> SentPath:
        self = super().__new__(cls, place)
        self._facts, self._file = facts, file
        return self

    @property
    def did(self) -> str:
        """The DID of the file."""
        return str(self._file["did"])

    @property
    def storage_options(self) -> dict[str, Any]:
        """Options for fsspec to open it, with the credentials of this node."""
        return reach().options(self._file["instance"] or "", self) if self.startswith("https:") else {}

    def __reduce__(self) -> tuple[Any, ...]:
        return travel.reduced({**self._facts, "whole": False}, [self._file])


class SentFile(os.PathLike[str]):
    """A file that the sender's path does not lead to here. Its copy is found when it is used as a path or as text."""

    def __init__(self, facts: Facts, file: dict[str, Any]) -> None:
        self._facts = facts
        self._file = file
        self._place: SentPath | None = None

    def found(self, siblings: Callable[[], Iterable[Did]] = tuple) -> SentPath:
        """Return the path or URL of the copy; errors and ``siblings`` are those of `Reach.find`."""
        if self._place is None:
            place = reach().find(_wanted(self._file), siblings)
            self._place = SentPath(place, self._facts, self._file)
        return self._place

    @property
    def did(self) -> str:
        """The DID of the file."""
        return str(self._file["did"])

    def __fspath__(self) -> str:
        return str(self.found())

    def __str__(self) -> str:
        return str(self.found())

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __add__(self, other: str) -> str:
        return str(self) + other

    def __radd__(self, other: str) -> str:
        return other + str(self)

    def __contains__(self, part: str) -> bool:
        return part in str(self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the methods of str, and `storage_options`
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.found(), name)

    def __repr__(self) -> str:
        return f"<nbrucio {self.did}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return travel.reduced({**self._facts, "whole": False}, [self._file])


class SentFiles(tuple[Any, ...]):
    """The files of a requirement. Each is found when code takes it by its index or in a loop.

    Attributes:
        handle, did: of the requirement.
    """

    handle: str
    did: str

    _facts: Facts
    _files: list[dict[str, Any]]

    def __new__(cls, facts: Facts, files: list[dict[str, Any]]) -> SentFiles:
        self = super().__new__(cls, [_one(facts, file) for file in files])
        self.handle, self.did = facts["handle"], facts["did"]
        self._facts, self._files = facts, files
        return self

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> SentPath: ...
    @overload
    def __getitem__(self, index: slice, /) -> tuple[SentPath, ...]: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> SentPath | tuple[SentPath, ...]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(*index.indices(len(self))))
        item = super().__getitem__(index)
        return item.found(self._missing) if isinstance(item, SentFile) else item

    def __iter__(self) -> Iterator[SentPath]:
        return (self[position] for position in range(len(self)))

    def as_completed(self) -> Iterator[SentPath]:
        """Yield the files in their order: what was sent waits for no sync."""
        return iter(self)

    def _missing(self) -> Iterator[Did]:
        return (Did.parse(item.did) for item in super().__iter__() if isinstance(item, SentFile))

    @property
    def bytes(self) -> int | None:
        """The total size in bytes; None when the size of a file is unknown."""
        return total_bytes(file["bytes"] for file in self._files)

    @property
    def storage_options(self) -> dict[str, Any]:
        """Options for fsspec to open these files, with the credentials of this node."""
        return next((path.storage_options for path in self if path.startswith("https:")), {})

    def fileset(self, tree: str) -> dict[str, dict[str, Any]]:
        """Return the fileset of these files, like ``nbrucio.data[…].fileset(tree)``."""
        return samples.coffea(self.handle, self.did, self, tree)

    def __repr__(self) -> str:
        return f"<nbrucio {self.handle!r} {self.did}: {len(self)} files>"

    def __reduce__(self) -> tuple[Any, ...]:
        return travel.reduced(self._facts, self._files)


class SentSingleFile(SentFiles):
    """The same for one file, and path-like."""

    def __fspath__(self) -> str:
        return str(self[0])

    def __str__(self) -> str:
        return str(self[0])


def _one(facts: Facts, file: dict[str, Any]) -> SentPath | SentFile:
    path = file["path"]
    return SentPath(path, facts, file) if path and _is_here(path, file["bytes"]) else SentFile(facts, file)


def _is_here(path: str, size_bytes: int | None) -> bool:
    """Whether the sender's path leads to this file here, as on one machine or a shared file system."""
    try:
        found = os.stat(path)  # noqa: PTH116 - of many files
    except (OSError, ValueError):
        return False
    # In a folder that all may write to, such as /tmp, a file of that name may be another user's.
    is_file = stat.S_ISREG(found.st_mode) and size_bytes in (None, found.st_size)
    return is_file and found.st_uid in (os.getuid(), 0)


def _wanted(file: Mapping[str, Any]) -> WantedFile:
    kind, _, value = (file["checksum"] or "").partition(":")
    sums = {kind: value} if kind in ("adler32", "md5") else {}
    entry = FileEntry(Did.parse(file["did"]), file["bytes"], **sums)
    return WantedFile(file["instance"] or "", entry, tuple(Replica(rse, pfn) for rse, pfn in file["replicas"]))
