"""``nbrucio.data``: the files of a requirement, by handle or DID."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from . import program, where
from .asked import Asked
from .changed import fault_of
from .configured import changed_config, stamp_of
from .errors import DataNotHere
from .files import Files
from .manifest import MAX_BYTES, Entry, LoadedManifest, read, read_regular
from .refusals import (
    changed_file,
    command_line,
    needed_text,
    not_ready,
    plain_did,
    short_name,
    unknown_did,
    unknown_handle,
)

#: How many of a requirement's local files are checked at its first use, at 2 µs each on a local disk.
CHECKED_FILES = 1_024
#: How many are checked at each later use: enough to notice an evicted requirement, and cheap in a loop over 100,000
#: files on a network file system. Each file is checked again when code takes it, see `Files`.
PROBED_FILES = 16


class Data:
    """The data of one notebook.

    ``data["muons"]`` returns the files of the requirement with this handle, ``data("scope:name")`` those of a DID, and
    iterating yields the handles. It reads only the notebook's manifest, again after each change.

    Every access raises `DataNotHere` when the notebook or its manifest cannot be found or read.
    """

    def __init__(self, notebook: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ) -> None:
        """Args: notebook: the notebook that declares the data; None means the notebook that this kernel runs."""
        self._notebook = notebook
        self._environ = environ
        self._read: tuple[Path, tuple[int, ...], LoadedManifest] | None = None
        self._made: dict[str, Files] = {}
        self._program: Path | None = None
        self._config: tuple[LoadedManifest, object, str | None] | None = None
        self._asks: tuple[tuple[str, tuple[int, ...]], Asked | None] | None = None
        #: Called before each access with the requested handles and DIDs, and whether all of their files are needed; the
        #: gate waits in it.
        self.before: Callable[[tuple[str, ...], tuple[str, ...], bool], object] | None = None
        #: Returns the error to raise instead of the error of an access; a worker of a cluster names its node.
        self.refused: Callable[[DataNotHere], DataNotHere] | None = None

    def __getitem__(self, handle: str) -> Files:
        """Return the files of the requirement with this handle.

        Raises:
            DataNotHere: the handle is not declared, or its data is not ready.
            TypeError: it is not a string.
        """
        return self._found(self._by_handle, needed_text(handle, 'nbrucio.data["muons"]', "handle"))

    def __call__(self, did: str) -> Files:
        """Return the files of the requirement with the DID ``scope:name``.

        Raises:
            DataNotHere: no requirement, or more than one, has this DID, or its data is not ready.
            TypeError: it is not a string.
        """
        return self._found(self._by_did, plain_did(needed_text(did, 'nbrucio.data("scope:name")', "DID")))

    def as_completed(self, handle: str | None = None, *, did: str | None = None) -> Iterator[str]:
        """Yield the files of a requirement while a sync downloads them, each as soon as it is here.

        In a cell, ``nbrucio.data["muons"].as_completed()`` means the same. Starts no download.

        Args:
            handle: of the requirement.
            did: its DID, in place of its handle.

        Raises:
            DataNotHere: a file is missing and is not being downloaded. It is raised after all files that are here.
            TypeError: there is no handle and no DID, or both.
        """
        if (handle is None) == (did is None):
            raise TypeError("as_completed takes a handle, or the DID of a requirement as did=")
        find, name = (self._entry_of_handle, handle) if handle is not None else (self._entry_of_did, did)
        return self._arriving(find, str(name))

    def _arriving(self, find: Callable[[str, bool], tuple[Entry, LoadedManifest]], name: str) -> Iterator[str]:
        from .arrivals import arriving  # most code takes all files at once

        def present() -> tuple[Entry, LoadedManifest, Path]:
            entry, manifest = find(name, False)
            if (outdated := self.outdated((entry.handle,))) is not None:
                raise outdated
            assert self._read is not None
            return entry, manifest, self._read[0]

        try:
            yield from arriving(present)
        except DataNotHere as error:
            if self.refused is None:
                raise
            raise self.refused(error) from None

    def _found(self, find: Callable[[str], Files], name: str) -> Files:
        try:
            return find(name)
        except DataNotHere as error:
            if self.refused is None:
                raise
            raise self.refused(error) from None

    def _by_handle(self, handle: str) -> Files:
        return self._ready(*self._entry_of_handle(handle, True))

    def _by_did(self, did: str) -> Files:
        return self._ready(*self._entry_of_did(did, True))

    def _entry_of_handle(self, handle: str, whole: bool) -> tuple[Entry, LoadedManifest]:
        if self.before is not None:
            self.before((handle,), (), whole)
        manifest = self._manifest(handle)
        entry = manifest.entries.get(handle)
        if entry is None:
            raise self.outdated((handle,)) or unknown_handle(handle, manifest)
        return entry, manifest

    def _entry_of_did(self, did: str, whole: bool) -> tuple[Entry, LoadedManifest]:
        if self.before is not None:
            self.before((), (did,), whole)
        manifest = self._manifest(did)
        found = [entry for entry in manifest.entries.values() if entry.did == did]
        if not found:
            raise self.outdated((), (did,)) or unknown_did(did, manifest)
        if len(found) > 1:
            handles = ", ".join(f"nbrucio.data[{entry.handle!r}]" for entry in found)
            raise DataNotHere(f"{did!r} is declared more than once. Choose one of {handles}.", did)
        return found[0], manifest

    def filesets(self, tree: str | Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """Return the filesets of all declared data in one, for coffea.

        Args:
            tree: the name of the tree or RNTuple to read; or the names by handle, for these handles only.

        Raises:
            DataNotHere: a handle is not declared, or the data of one is not ready: there is no fileset of a part.
            ValueError: the name of a tree is empty.
        """
        if isinstance(tree, str):
            asked = self.asked(self.notebook())
            tree = dict.fromkeys(self if asked is None else asked.handles(), tree)
        found = {}
        for handle, name in tree.items():
            found.update(self[handle].fileset(name))
        return found

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

    def _repr_html_(self) -> str:
        from .shown import Status  # only a front end asks for it

        return Status(self)._repr_html_()

    def _ipython_key_completions_(self) -> list[str]:
        try:
            return list(self)
        except DataNotHere:
            return []

    def manifest(self) -> LoadedManifest:
        """Return the notebook's present manifest.

        Raises:
            DataNotHere: it is missing or cannot be read.
        """
        return self._manifest(None)

    def checked(self, handle: str) -> Files:
        """Return the same as by index, without waiting and for handles in the manifest only."""
        manifest = self._manifest(handle)
        return self._ready(manifest.entries[handle], manifest)

    def path(self) -> Path | None:
        """Return the path of the manifest that was read last."""
        return self._read[0] if self._read else None

    def outdated(self, handles: Iterable[str], dids: Iterable[str] = ()) -> DataNotHere | None:
        """Return the error for a manifest that is older than the declaration or the configuration. None if the manifest
        is current, or the notebook cannot be read in this kernel.
        """
        manifest = self._manifest(None)
        asked = self.asked(manifest.notebook)
        if asked is None:
            return None
        handles, dids = set(handles), set(dids)
        there = [entry for entry in manifest.entries.values() if entry.handle in handles or entry.did in dids]
        old = [entry.handle for entry in there if not asked.answered(entry.handle, entry.answers)]
        old += [handle for handle in asked.named(handles, dids) if handle not in manifest.entries]
        if old:
            words = f"{old[0]!r} was changed in the notebook after its last sync."
            return DataNotHere(words, old[0], command_line("sync", manifest.notebook))
        file = self._changed_config(manifest)
        open_ = [entry.handle for entry in there if asked.by_configuration(entry.handle, entry.answers)]
        if file is None or not open_:
            return None
        words = f"{file} was changed after the last sync: {open_[0]!r} may name another Rucio instance now."
        return DataNotHere(words, open_[0], command_line("sync", manifest.notebook))

    def _changed_config(self, manifest: LoadedManifest) -> str | None:
        stamp = stamp_of(manifest.config)
        if self._config is None or self._config[0] is not manifest or self._config[1] != stamp:
            self._config = (manifest, stamp, changed_config(manifest.config))
        return self._config[2]

    def asked(self, notebook: str) -> Asked | None:
        """Return the present declaration; None if it cannot be read, and in a run, whose data must not change."""
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
        """Whether the server that started this kernel has not written the manifest yet."""
        pointer = self._pointer()
        if pointer is None:
            return False
        try:
            manifest = self._read_at(pointer)
        except FileNotFoundError:
            return True
        except (OSError, DataNotHere):
            return False
        return manifest.is_empty()

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
        if manifest is None or manifest.is_empty():
            raise self._no_manifest(subject)
        return manifest

    def _read_at(self, path: Path) -> LoadedManifest:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if self._read is None or self._read[:2] != (path, stamp):
            self._made.clear()
            self._read = (path, stamp, read(path))
        return self._read[2]

    def _written(self) -> Path | None:
        """Return the manifest of the notebook that this kernel runs; None when either is unknown."""
        notebook = self._known_notebook()
        return where.find_manifest(notebook, self._environ) if notebook else None

    def _known_notebook(self) -> str | os.PathLike[str] | None:
        # A server's pointer is right where the name that the session had at first is not.
        pointed = bool(self._environ.get(where.MANIFEST_VARIABLE))
        told = self._notebook or where.find_notebook(self._environ, guess=not pointed)
        if told or pointed or self._environ.get(where.NOTEBOOK_VARIABLE):
            return told
        # Once only, so that syncing another notebook does not change what a running program reads.
        self._program = self._program or program.find(self._environ)
        return self._program

    def notebook(self) -> str:
        """Return the notebook that declares this data; empty if unknown."""
        pointer = self._pointer()
        try:
            pointed = self._read_at(pointer).notebook if pointer else ""
        except (OSError, DataNotHere):
            pointed = ""
        return pointed or os.fspath(self._known_notebook() or "")

    def _no_manifest(self, subject: str | None) -> DataNotHere:
        what = f"{short_name(subject)} is missing" if subject else "No data yet"
        notebook = self.notebook()
        if not notebook:
            return program.unknown(what, subject, self._environ)
        command = command_line("sync", notebook)
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
                raise changed_file(entry, entry.files[index]["path"], fault, manifest.notebook)
        if files is None:
            files = self._made[entry.handle] = Files(entry, manifest.notebook)
        return files
