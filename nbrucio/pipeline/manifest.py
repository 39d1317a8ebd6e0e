"""The manifest: a JSON file that lists a notebook's data for its kernels.

It never contains credentials. The plain form is for languages without a JSON parser: one line a file with
the columns handle, state, path or PFN, bytes, separated by tabs.

Python kernels read it with `nbrucio.kernel`. The schema is ``schemas/nbrucio_schemas/manifest-1.schema.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from nbrucio.core.files import Replica
from nbrucio.errors import NbrucioError

VERSION = 1
_as_json = json.JSONEncoder(separators=(",", ":")).encode
#: Where the data begins. No string can hold it: a quotation mark within one has a backslash before it.
BEFORE_DATA = b',"data":'
State = Literal["syncing", "ready", "failed"]


class ManifestFile(NamedTuple):
    """One file of a requirement.

    Attributes:
        did: its DID, ``scope:name``.
        path: the absolute local path; None when the file is streamed.
        pfn: the URL by which it is or was read; None for a file that was already in the store.
        bytes: its size; None when the catalogue does not know it.
        checksum: ``adler32:…`` or ``md5:…``; None if the catalogue has neither.
        stat: size, modification time in ns and inode of a stored file when it was verified, with which kernels detect
            changes; the inode is None on file systems where inodes change. None for other files.
        replicas: its known replicas on disk, best first, for workers on other machines.
    """

    did: str
    path: str | None
    pfn: str | None = None
    bytes: int | None = None
    checksum: str | None = None
    stat: tuple[int, int, int | None] | None = None
    replicas: tuple[Replica, ...] = ()


class ManifestError(NamedTuple):
    """The error of a handle without data; its fields are those of `NbrucioError`."""

    code: str
    message: str
    hint: str | None = None
    next_command: str | None = None

    @classmethod
    def of(cls, error: NbrucioError) -> ManifestError:
        """Return the parts of ``error`` that a kernel shows."""
        return cls(error.code, error.message, error.hint, error.next_command)


class ManifestEntry(NamedTuple):
    """One handle and its files.

    Attributes:
        handle, did, instance: of the requirement; ``instance`` is the server's host name.
        state: ``ready`` when every file can be opened, ``syncing`` during downloads, ``failed`` with an ``error``.
        files: those that can be opened now, in the order that code receives them; all of them when it is ``ready``.
        folder: a folder of links to the files; None without one.
        error: why the state is ``failed``; otherwise None.
        bind: whether the declaration asks for a variable named like the handle.
        ca: file or folder of the CAs for the storage of streamed files; None means those of the machine.
        objects: the folder of the store's files and its inode. A changed inode means a restored or copied store, whose
            files' inodes differ. None without stored files, or on file systems where inodes change.
        answers: the request, see `nbrucio.kernel.asked`; None if unknown.
        token: the place of the token for that storage, ``{"variable": NAME}`` or ``{"file": PATH}``; None without one.
    """

    handle: str
    did: str
    instance: str | None
    state: State
    files: tuple[ManifestFile, ...] = ()
    folder: str | None = None
    error: ManifestError | None = None
    bind: bool = False
    ca: str | None = None
    objects: tuple[str, int] | None = None
    answers: Mapping[str, object] | None = None
    token: Mapping[str, str] | None = None


class Manifest(NamedTuple):
    """The whole manifest of one notebook.

    Attributes:
        notebook: its absolute path.
        state: ``syncing`` if any entry is, else ``failed`` if any entry is, else ``ready``.
        entries: one per requirement, in the declaration's order; handles are unique.
        written: when, in UTC; None means now.
        config: digests of configuration files, see `nbrucio.kernel.configured`.
        arrivals: the run whose lines are in the ``.arrivals`` file, see `nbrucio.pipeline.arrivals`; None without one.
    """

    notebook: str
    state: State
    entries: tuple[ManifestEntry, ...]
    written: datetime | None = None
    config: Mapping[str, str | None] = MappingProxyType({})
    arrivals: str | None = None

    @classmethod
    def of(
        cls, notebook: Path, entries: Iterable[ManifestEntry], config: Mapping[str, str | None] = MappingProxyType({})
    ) -> Manifest:
        """Return the manifest of ``notebook``; its state follows from those of ``entries``."""
        entries = tuple(entries)
        states = {entry.state for entry in entries}
        state: State = "syncing" if "syncing" in states else "failed" if "failed" in states else "ready"
        return cls(os.path.realpath(notebook), state, entries, config=config)


def empty_manifest(notebook: str) -> bytes:
    """Return a manifest without data for the time before the first sync of ``notebook`` (its absolute real path; empty
    for no notebook). Kernels wait briefly when they read it, as without a manifest.
    """
    return b"".join(pieces(Manifest(notebook, "syncing", ())))


def pieces(manifest: Manifest) -> Iterator[bytes]:
    """Yield the JSON in pieces: the whole of 100,000 files would be in memory several times."""
    yield encoded(facts_of(manifest))[:-1] + BEFORE_DATA
    yield from data_of(manifest)


def plain_pieces(manifest: Manifest) -> Iterator[bytes]:
    """Yield the lines of the plain form."""
    return map(_as_bytes, _plain_lines(manifest))


def data_of(manifest: Manifest) -> Iterator[bytes]:
    """Yield the part of `pieces` that follows `BEFORE_DATA`."""
    return map(_as_bytes, _data(manifest))


def facts_of(manifest: Manifest) -> dict[str, object]:
    """Return the manifest without its data, as a JSON-ready mapping."""
    written = manifest.written or datetime.now(timezone.utc)
    facts: dict[str, object] = {
        "version": VERSION,
        "notebook": manifest.notebook,
        "state": manifest.state,
        "written": written.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "pid": os.getpid(),
        "config": dict(manifest.config),
    }
    return facts if manifest.arrivals is None else {**facts, "arrivals": manifest.arrivals}


def row_of(file: ManifestFile) -> dict[str, object]:
    """Return one file as a JSON-ready mapping."""
    row = file._asdict()
    row["replicas"] = [{"rse": one.rse, "pfn": one.pfn} for one in file.replicas]
    for optional in ("stat", "replicas"):
        if not row[optional]:
            del row[optional]
    return row


def encoded(value: object) -> bytes:
    """Return ``value`` as a manifest's JSON. A path that is not UTF-8 keeps its bytes."""
    return _as_bytes(_as_json(value))


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _data(manifest: Manifest) -> Iterator[str]:
    yield "{"
    for number, entry in enumerate(manifest.entries):
        facts = {
            "did": entry.did,
            "instance": entry.instance,
            "state": entry.state,
            "bind": entry.bind,
            "folder": entry.folder,
            "ca": entry.ca,
            "objects": {"path": entry.objects[0], "inode": entry.objects[1]} if entry.objects else None,
            "token": entry.token,
            "error": entry.error._asdict() if entry.error else None,
            "answers": entry.answers,
        }
        yield f'{"," if number else ""}{_as_json(entry.handle)}:{_as_json(facts)[:-1]},"files":['
        for index, file in enumerate(entry.files):
            yield f"{',' if index else ''}{_as_json(row_of(file))}"
        yield "]}"
    yield "}}\n"


def _plain_lines(manifest: Manifest) -> Iterator[str]:
    for entry in manifest.entries:
        if not entry.files:
            yield f"{entry.handle}\t{entry.state}\t\t\n"
        for file in entry.files:
            place = file.path or file.pfn or ""
            size = "" if file.bytes is None else file.bytes
            yield f"{entry.handle}\t{entry.state}\t{place}\t{size}\n"
