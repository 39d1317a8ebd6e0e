"""``nbrucio.data``: the files of a requirement, by handle or DID."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from . import program, where
from .asked import Asked
from .changed import fault_of
from .configured import changed_file, stamp_of
from .errors import DataNotHere
from .manifest import MAX_BYTES, Entry, LoadedManifest, read, read_regular, writer_is_gone

#: So many of a requirement's local files are checked when code asks for it first: 2 µs each on a local disk.
CHECKED_FILES = 1_024
#: So many are checked each time after that. An evicted requirement is noticed, and a loop that asks for 100,000 files
#: on a network file system again and again still costs nothing.
PROBED_FILES = 16


class File(NamedTuple):
    """One file: its DID, local path (None when it is streamed), PFN (None when unknown), size and checksum."""

    did: str
    path: str | None
    pfn: str | None
    bytes: int | None
    checksum: str | None


class Files(tuple[str, ...]):
    """The paths of a requirement's files, or the PFNs of those that are streamed. Immutable.

    Attributes:
        did: the requirement's DID.
        handle: its handle.
        bytes: the files' total size; None when a size is unknown.
        folder: a folder of links to the files, for globs and people; None when there is none.
        files: per file its DID, path, PFN, size and checksum, in the same order.
        ca: CAs that vouch for the storage of streamed files; None for those of the machine.
        token: the variable or file that holds the token for that storage; None without one.
    """

    handle: str
    did: str
    folder: str | None
    files: tuple[File, ...]
    ca: str | None
    token: Mapping[str, str] | None

    def __new__(cls, entry: Entry) -> Files:
        facts = tuple(
            File(str(f["did"]), f.get("path"), f.get("pfn"), f.get("bytes"), f.get("checksum")) for f in entry.files
        )
        self = super().__new__(cls, (file.path or file.pfn or "" for file in facts))
        vars(self).update(handle=entry.handle, did=entry.did, folder=entry.folder, files=facts)
        vars(self).update(ca=entry.ca, token=entry.token)
        return self

    @property
    def bytes(self) -> int | None:
        """The total size in bytes; None when the size of a file is unknown."""
        sizes = [file.bytes for file in self.files]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def storage_options(self) -> dict[str, Any]:
        """What fsspec needs to open these files, ``uproot.open(muons[0], **muons.storage_options)``; empty for local
        files and root://. There is no token in it where one of the files is opened over plain http.

        Raises:
            OSError: a CA, proxy or token file that is named cannot be read.
        """
        if not any(path.startswith("https:") for path in self):
            return {}
        from . import streaming  # ssl takes 10 ms, and most data is local

        plain = any(path.startswith("http:") for path in self)  # the options are the same for all of them
        return streaming.storage_options(self.ca, None if plain else self.token)

    @property
    def path(self) -> str:
        """The path of the only file.

        Raises:
            ValueError: there is not exactly one.
        """
        if len(self) != 1:
            raise ValueError(
                f"{self.handle!r} ({self.did}) has {len(self)} files, so it has no single path. "
                "Iterate over it, or take one by its index."
            )
        return self[0]

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name!r} cannot be set: the files of a requirement do not change")

    def __repr__(self) -> str:
        files = "1 file" if len(self) == 1 else f"{len(self)} files"
        size = "size unknown" if self.bytes is None else readable(self.bytes)
        place = self.folder or (self[0] if self else "empty")
        return f"<nbrucio {self.handle!r} {self.did}: {files}, {size}, {place}>"

    # A worker that unpickles this may lack nbrucio; the paths are what it needs.
    def __reduce__(self) -> tuple[type, tuple[list[str]]]:
        return (tuple, (list(self),))

    def __copy__(self) -> Files:
        return self

    def __deepcopy__(self, memo: object) -> Files:
        return self


def readable(size_bytes: int) -> str:
    """A size for people: ``8.4 MB``."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


class Data:
    """The data of one notebook.

    ``data["muons"]`` gives the files of the requirement with this handle, ``data("scope:name")`` those of a DID;
    iterating gives the handles. It reads the notebook's manifest, again when that was replaced, and nothing else.

    Every access raises `DataNotHere` when the notebook or its manifest cannot be found or read.
    """

    def __init__(self, notebook: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ) -> None:
        """Args: notebook: whose data; None means the notebook that this kernel runs."""
        self._notebook = notebook
        self._environ = environ
        self._read: tuple[Path, tuple[int, ...], LoadedManifest] | None = None
        self._made: dict[str, Files] = {}
        self._program: Path | None = None
        self._config: tuple[LoadedManifest, object, str | None] | None = None
        self._asks: tuple[tuple[str, tuple[int, ...]], Asked | None] | None = None
        #: Called with the handles and DIDs that are asked for, before they are looked up; the gate waits in it.
        self.before: Callable[[tuple[str, ...], tuple[str, ...]], object] | None = None

    def __getitem__(self, handle: str) -> Files:
        """The files of the requirement with this handle.

        Raises:
            DataNotHere: there is no such handle, or its data is not ready.
        """
        if self.before is not None:
            self.before((handle,), ())
        manifest = self._manifest(handle)
        entry = manifest.entries.get(handle)
        if entry is None:
            raise self.outdated((handle,)) or _unknown_handle(handle, manifest)
        return self._ready(entry, manifest)

    def __call__(self, did: str) -> Files:
        """The files of the requirement with the DID ``scope:name``.

        Raises:
            DataNotHere: no requirement, or more than one, has this DID, or its data is not ready.
        """
        if self.before is not None:
            self.before((), (did,))
        manifest = self._manifest(did)
        found = [entry for entry in manifest.entries.values() if entry.did == did]
        if not found:
            raise self.outdated((), (did,)) or DataNotHere(
                f"{did!r} is not declared in this notebook.", did, _command("add", manifest.notebook, did)
            )
        if len(found) > 1:
            handles = ", ".join(f"nbrucio.data[{entry.handle!r}]" for entry in found)
            raise DataNotHere(f"{did!r} is declared more than once. Choose one of {handles}.", did)
        return self._ready(found[0], manifest)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._manifest(None).entries))

    def __len__(self) -> int:
        return len(self._manifest(None).entries)

    def __contains__(self, handle: object) -> bool:
        return handle in self._manifest(None).entries

    def __repr__(self) -> str:
        try:
            entries = self._manifest(None).entries.values()
        except DataNotHere as error:
            return f"<nbrucio.data: {error.message}>"
        return "<nbrucio.data: " + (", ".join(f"{e.handle} ({e.state})" for e in entries) or "nothing declared") + ">"

    def _ipython_key_completions_(self) -> list[str]:
        try:
            return list(self)
        except DataNotHere:
            return []

    def manifest(self) -> LoadedManifest:
        """The notebook's manifest as it stands now.

        Raises:
            DataNotHere: there is none, or it cannot be read.
        """
        return self._manifest(None)

    def path(self) -> Path | None:
        """Where the manifest is that was read last."""
        return self._read[0] if self._read else None

    def outdated(self, handles: Iterable[str], dids: Iterable[str] = ()) -> DataNotHere | None:
        """Why the manifest does not answer for these handles and DIDs: the notebook or the configuration was changed.

        None where it does, and where the notebook cannot be read here.
        """
        manifest = self._manifest(None)
        asked = self._asked(manifest.notebook)
        if asked is None:
            return None
        handles, dids = set(handles), set(dids)
        there = [entry for entry in manifest.entries.values() if entry.handle in handles or entry.did in dids]
        old = [entry.handle for entry in there if not asked.answered(entry.handle, entry.answers)]
        old += [handle for handle in asked.named(handles, dids) if handle not in manifest.entries]
        if old:
            words = f"The notebook was changed after its last sync: {old[0]!r} stands for other data now."
            return DataNotHere(words, old[0], _command("sync", manifest.notebook))
        file = self._changed_config(manifest)
        open_ = [entry.handle for entry in there if asked.by_configuration(entry.handle, entry.answers)]
        if file is None or not open_:
            return None
        words = f"{file} was changed after the last sync: {open_[0]!r} may mean another Rucio instance now."
        return DataNotHere(words, open_[0], _command("sync", manifest.notebook))

    def _changed_config(self, manifest: LoadedManifest) -> str | None:
        stamp = stamp_of(manifest.config)
        if self._config is None or self._config[0] is not manifest or self._config[1] != stamp:
            self._config = (manifest, stamp, changed_file(manifest.config))
        return self._config[2]

    def _asked(self, notebook: str) -> Asked | None:
        """What the notebook asks for now; None where that is not known, or the data of a run is not to change in it."""
        pinned = self._environ.get(where.MANIFEST_VARIABLE) and self._environ.get(where.NOTEBOOK_VARIABLE)
        if pinned or not notebook.endswith(".ipynb"):
            return None
        try:
            status = os.stat(notebook)  # noqa: PTH116 - called often, see below
            stamp = (notebook, (status.st_mtime_ns, status.st_ino, status.st_size))
            if self._asks is None or self._asks[0] != stamp:
                self._asks = (stamp, None)
                self._asks = (stamp, Asked(json.loads(read_regular(notebook, MAX_BYTES))["metadata"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return self._asks[1]

    def awaits(self) -> bool:
        """Whether whoever started this kernel has not said yet where its data is, and will."""
        pointer = self._pointer()
        if pointer is None:
            return False
        try:
            manifest = self._read_at(pointer)
        except FileNotFoundError:
            return True
        except (OSError, DataNotHere):
            return False
        return manifest.says_nothing()

    def _pointer(self) -> Path | None:
        pointer = self._environ.get(where.MANIFEST_VARIABLE)
        # A kernel's pointer is a link, which leads elsewhere after its notebook was renamed.
        return Path(os.path.realpath(pointer)) if pointer and self._notebook is None else None

    def _manifest(self, subject: str | None) -> LoadedManifest:
        pointer = self._pointer()
        path = pointer or self._written()
        try:
            manifest = self._read_at(path) if path else None
            if pointer and manifest and not manifest.notebook:
                path = self._written()
                manifest = self._read_at(path) if path else None
        except FileNotFoundError:
            manifest = None
        except OSError as error:
            raise DataNotHere(f"The manifest {path} cannot be read: {error.strerror}.", subject) from None
        if manifest is None or manifest.says_nothing():
            raise self._no_manifest(subject, manifest)
        return manifest

    def _read_at(self, path: Path) -> LoadedManifest:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if self._read is None or self._read[:2] != (path, stamp):
            self._made.clear()
            self._read = (path, stamp, read(path))
        return self._read[2]

    def _written(self) -> Path | None:
        """The manifest that was written for the notebook that this kernel runs, as far as that is known."""
        notebook = self._known_notebook()
        return where.find_manifest(notebook, self._environ) if notebook else None

    def _known_notebook(self) -> str | os.PathLike[str] | None:
        # A server that gave a pointer knows better than the name that the session had at first.
        pointed = bool(self._environ.get(where.MANIFEST_VARIABLE))
        told = self._notebook or where.find_notebook(self._environ, guess=not pointed)
        if told or pointed or self._environ.get(where.NOTEBOOK_VARIABLE):
            return told
        # Once only: what a program reads must not change while it runs, since another notebook was synced.
        self._program = self._program or program.find(self._environ)
        return self._program

    def _no_manifest(self, subject: str | None, blank: LoadedManifest | None = None) -> DataNotHere:
        what = f"{subject!r} is not here" if subject else "There is no data yet"
        notebook = (blank.notebook if blank else "") or self._known_notebook()
        if not notebook:
            return program.unknown(what, subject, self._environ)
        command = _command("sync", notebook)
        return DataNotHere(f"{what}: this notebook has not been synced on this machine.", subject, command)

    def _ready(self, entry: Entry, manifest: LoadedManifest) -> Files:
        if (outdated := self.outdated((entry.handle,))) is not None:
            raise outdated
        if entry.state != "ready":
            raise not_ready(entry, manifest)
        files = self._made.get(entry.handle)
        count = len(entry.files)
        for index in range(0, count, count // (CHECKED_FILES if files is None else PROBED_FILES) + 1):
            fault = fault_of(entry.files[index], entry)
            if fault is not None:
                raise DataNotHere(
                    f"{entry.handle!r} ({entry.did}) was here, but {entry.files[index]['path']} {fault}.",
                    entry.handle,
                    _command("sync", manifest.notebook),
                )
        if files is None:
            files = self._made[entry.handle] = Files(entry)
        return files


def not_ready(entry: Entry, manifest: LoadedManifest) -> DataNotHere:
    """The error for an entry whose data is not here, in words for the user."""
    what = f"{entry.handle!r} ({entry.did})"
    sync = _command("sync", manifest.notebook)
    if entry.state == "syncing":
        if writer_is_gone(manifest):
            return DataNotHere(f"{what} is not here: the sync was stopped before it was done.", entry.handle, sync)
        return DataNotHere(f"{what} is still on its way. Run this cell again in a moment.", entry.handle)
    error: dict[str, Any] = entry.error or {}
    reason = " ".join(str(error[key]) for key in ("message", "hint") if error.get(key)) or "the last sync failed."
    return DataNotHere(f"{what} is not here: {reason}", entry.handle, error.get("next_command") or sync)


def _unknown_handle(handle: object, manifest: LoadedManifest) -> DataNotHere:
    import difflib  # costs 3 ms, and only a mistake needs it

    close = difflib.get_close_matches(str(handle), manifest.entries, n=3)
    declared = sorted(manifest.entries)
    if close:
        rest = f"Did you mean {' or '.join(repr(name) for name in close)}?"
    elif declared:
        shown = ", ".join(declared[:10]) + (f" and {len(declared) - 10} more" if len(declared) > 10 else "")
        rest = f"It declares {shown}."
    else:
        rest = "It declares no data."
    command = None if close else _command("add", manifest.notebook, "SCOPE:NAME", "--as", str(handle))
    return DataNotHere(f"This notebook declares no data as {handle!r}. {rest}", str(handle), command)


def _command(verb: str, notebook: str | os.PathLike[str], *arguments: str) -> str:
    return " ".join(["nbrucio", verb, *(shlex.quote(word) for word in (os.fspath(notebook), *arguments))])
