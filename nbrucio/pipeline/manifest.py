"""The manifest: the JSON by which a kernel finds its data.

It never contains credentials. The plain form is the same for kernels whose language reads no JSON: one line a file with
the columns handle, state, path or PFN, bytes, separated by tabs.

Kernels read it with `nbrucio.kernel`. The format is described in ``schemas/nbrucio_schemas/manifest-1.schema.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

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
        pfn: the URL by which it is or was read; None when it was in the store already.
        bytes: its size; None when the catalogue does not know it.
        checksum: ``adler32:…`` or ``md5:…``; None when the catalogue has neither.
        stat: size, modification time in ns and inode of a file in the store when it was verified, so that a kernel
            notices that it is another one now; the inode None where such numbers do not last. None for other files.
    """

    did: str
    path: str | None
    pfn: str | None = None
    bytes: int | None = None
    checksum: str | None = None
    stat: tuple[int, int, int | None] | None = None


class ManifestError(NamedTuple):
    """Why a handle has no data, in the words of `NbrucioError`."""

    code: str
    message: str
    hint: str | None = None
    next_command: str | None = None

    @classmethod
    def of(cls, error: NbrucioError) -> ManifestError:
        """The facts of ``error`` that a kernel shows."""
        return cls(error.code, error.message, error.hint, error.next_command)


class ManifestEntry(NamedTuple):
    """What a kernel needs to know of one handle.

    Attributes:
        handle, did, instance: of the requirement; ``instance`` is the server's host name.
        state: ``ready`` when every file can be opened, ``syncing`` during downloads, ``failed`` with an ``error``.
        files: in the order in which code gets them.
        folder: a folder of links to the files; None when there is none.
        error: why the state is ``failed``; otherwise None.
        bind: whether the declaration asks that the handle becomes a variable.
        ca: file or folder of CAs that vouch for the storage of streamed files; None for those of the machine.
        objects: the folder of the store's files and its inode. While that is the same, so must the files' inodes be: a
            store that was restored or copied has others. None without files in a store, or where inodes do not last.
        answers: what was asked, see `nbrucio.kernel.asked`; None when that is not known.
        token: where the token for that storage stands, ``{"variable": NAME}`` or ``{"file": PATH}``; None without one.
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
        state: ``syncing`` while any entry is on its way, ``failed`` when none is and one failed, else ``ready``.
        entries: one per requirement, in the declaration's order; handles are unique.
        written: when, in UTC; None means now.
        config: digests of configuration files, see `nbrucio.kernel.configured`.
    """

    notebook: str
    state: State
    entries: tuple[ManifestEntry, ...]
    written: datetime | None = None
    config: Mapping[str, str | None] = MappingProxyType({})

    @classmethod
    def of(
        cls, notebook: Path, entries: Iterable[ManifestEntry], config: Mapping[str, str | None] = MappingProxyType({})
    ) -> Manifest:
        """The manifest of ``notebook`` with the state that follows from those of ``entries``."""
        entries = tuple(entries)
        states = {entry.state for entry in entries}
        state: State = "syncing" if "syncing" in states else "failed" if "failed" in states else "ready"
        return cls(os.path.realpath(notebook), state, entries, config=config)


def nothing_yet(notebook: str) -> bytes:
    """What a manifest holds before anybody has looked at ``notebook``, its absolute real path; empty for no notebook.

    Kernels that find it wait a little, as they do when there is no manifest.
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
    return {
        "version": VERSION,
        "notebook": manifest.notebook,
        "state": manifest.state,
        "written": written.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "pid": os.getpid(),
        "config": dict(manifest.config),
    }


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
            facts = file._asdict()
            if file.stat is None:
                del facts["stat"]
            yield f"{',' if index else ''}{_as_json(facts)}"
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
