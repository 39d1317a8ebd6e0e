"""The files of a requirement for code in a notebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn, SupportsIndex, overload

from .changed import fault_of
from .manifest import Entry
from .refusals import changed_file


class File(NamedTuple):
    """One file: its DID, local path (None when it is streamed), PFN (None when unknown), size and checksum."""

    did: str
    path: str | None
    pfn: str | None
    bytes: int | None
    checksum: str | None


class DataPath(str):
    """The path of a file, or the PFN of a streamed one; sent to another process, that of the copy there."""

    __slots__ = ("_entry", "_index")

    _entry: Entry
    _index: int

    def __new__(cls, path: str, entry: Entry, index: int) -> DataPath:
        self = super().__new__(cls, path)
        self._entry, self._index = entry, index
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        from . import travel  # most values stay in their process

        return travel.one_file(self._entry, self._index)

    @property
    def storage_options(self) -> dict[str, Any]:
        """The same as `Files.storage_options`, for this file."""
        return _options([self], self._entry)

    def __copy__(self) -> DataPath:
        return self

    def __deepcopy__(self, memo: object) -> DataPath:
        return self


class Files(tuple[str, ...]):
    """The paths of a requirement's files, or the PFNs of streamed ones. Immutable.

    A file is checked by one stat, 3 µs on a local disk, when code takes it by its index or in a loop. `DataNotHere` is
    raised for one that was removed or changed since the sync. The paths in ``files`` and ``folder`` are not checked.

    Attributes:
        did: the requirement's DID.
        handle: its handle.
        bytes: the files' total size; None when a size is unknown.
        folder: a folder of links to the files, for globs and people; None without one.
        files: the DID, path, PFN, size and checksum of each file, in the same order.
        access: how each is obtained, in the same order: ``cached``, ``mounted`` or ``streamed``.
        ca: the CAs of the streamed files' storage; None for those of the machine.
        token: the variable or file with the token for that storage; None without one.
    """

    handle: str
    did: str
    folder: str | None
    files: tuple[File, ...]
    ca: str | None
    token: Mapping[str, str] | None

    _entry: Entry
    _notebook: str

    def __new__(cls, entry: Entry, notebook: str) -> Files:
        facts = tuple(
            File(str(f["did"]), f.get("path"), f.get("pfn"), f.get("bytes"), f.get("checksum")) for f in entry.files
        )
        kind = SingleFile if len(facts) == 1 else cls
        self = super().__new__(kind, (file.path or file.pfn or "" for file in facts))
        vars(self).update(handle=entry.handle, did=entry.did, folder=entry.folder, files=facts)
        vars(self).update(ca=entry.ca, token=entry.token, _entry=entry, _notebook=notebook)
        return self

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> str: ...
    @overload
    def __getitem__(self, index: slice, /) -> tuple[str, ...]: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(*index.indices(len(self))))
        path = super().__getitem__(index)
        fault = fault_of(self._entry.files[index.__index__()], self._entry)
        if fault is not None:
            raise changed_file(self._entry, path, fault, self._notebook)
        return DataPath(path, self._entry, index.__index__())

    def __iter__(self) -> Iterator[str]:
        return (self[position] for position in range(len(self)))

    def _unchecked(self) -> list[str]:
        return list(super().__iter__())

    @property
    def bytes(self) -> int | None:
        """The total size in bytes; None when the size of a file is unknown."""
        sizes = [file.bytes for file in self.files]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def access(self) -> tuple[str, ...]:
        """The access to each file: ``cached``, ``mounted`` or ``streamed``."""
        found = self._entry.files
        return tuple("streamed" if not f.get("path") else "cached" if "stat" in f else "mounted" for f in found)

    @property
    def storage_options(self) -> dict[str, Any]:
        """Options for fsspec to open these files, ``uproot.open(muons[0], **muons.storage_options)``.

        Empty for local files and root://. Without the token when a file is opened over plain http.

        Raises:
            OSError: a CA, proxy or token file that is named cannot be read.
        """
        return _options(self._unchecked(), self._entry)

    def as_completed(self) -> Iterator[str]:
        """Yield the files, which are all here, in their order.

        In a cell, ``nbrucio.data["muons"].as_completed()`` begins before they are, see `nbrucio.kernel.lookup`.
        """
        return iter(self)

    @property
    def path(self) -> str:
        """The path of the one file.

        Raises:
            ValueError: there is not exactly one.
        """
        if len(self) != 1:
            raise ValueError(
                f"{self.handle!r} ({self.did}) has {len(self)} files, so it has no single path. "
                "Iterate over it, or take one by its index."
            )
        return self[0]

    def fileset(self, tree: str) -> dict[str, dict[str, Any]]:
        """Return the fileset of these files, with the handle as the name of the dataset.

        coffea takes it as it is, and ``uproot.dask`` takes its ``["muons"]["files"]``.

        Args:
            tree: the name of the tree or RNTuple to read.

        Raises:
            DataNotHere: a file was removed or changed since the sync.
            ValueError: ``tree`` is empty.
        """
        from . import samples  # most code takes the paths

        return samples.coffea(self.handle, self.did, self, tree)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name!r} cannot be set: the files of a requirement do not change")

    def amount(self) -> tuple[str, str]:
        """Return number and total size of the files, in words."""
        files = "1 file" if len(self) == 1 else f"{len(self)} files"
        return files, "size unknown" if self.bytes is None else readable(self.bytes)

    def in_words(self) -> str:
        """Number, size and access of the files: ``4 files, 8.4 MB, cached``."""
        ways = Counter(self.access)
        access = next(iter(ways)) if len(ways) == 1 else ", ".join(f"{count} {way}" for way, count in ways.items())
        return ", ".join(filter(None, (*self.amount(), access)))

    def __repr__(self) -> str:
        place = self.folder or next(super().__iter__(), "empty")
        return f"<nbrucio {self.handle!r} {self.did}: {', '.join(self.amount())}, {place}>"

    def _repr_html_(self) -> str:
        from .html import MAX_ROWS, table  # most values are not shown

        shown, access = self.files[:MAX_ROWS], self.access
        sizes = ["unknown" if file.bytes is None else readable(file.bytes) for file in shown]
        rows = [(file.did.partition(":")[2], sizes[index], access[index]) for index, file in enumerate(shown)]
        more = len(self) - MAX_ROWS
        lines = [f"{self.handle} · {self.did}: {self.in_words()}"]
        return table(("File", "Size", "Access"), rows, [f"and {more} more files", *lines] if more > 0 else lines)

    def __reduce__(self) -> tuple[Any, ...]:
        from . import travel  # most values stay in their process

        return travel.all_files(self._entry)

    def __copy__(self) -> Files:
        return self

    def __deepcopy__(self, memo: object) -> Files:
        return self


class SingleFile(Files):
    """The same for one file, and path-like: ``open(nbrucio.data["one"])``."""

    def __fspath__(self) -> str:
        return self[0]

    # uproot and others take the text of whatever is path-like for its path.
    def __str__(self) -> str:
        return self[0]


def _options(places: list[str], entry: Entry) -> dict[str, Any]:
    if not any(place.startswith("https:") for place in places):
        return {}
    from . import streaming  # ssl takes 10 ms, and most data is local

    plain = any(place.startswith("http:") for place in places)  # the options are the same for all of them
    return streaming.storage_options(entry.ca, None if plain else entry.token)


def readable(size_bytes: int) -> str:
    """Format a size: ``8.4 MB``."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
