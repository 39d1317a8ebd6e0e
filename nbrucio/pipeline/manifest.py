"""The manifest: the JSON by which a kernel finds its data.

One file per notebook in the runtime folder of this user, mode 0600, replaced atomically. It never holds credentials.
Beside it lies the same in the plainest form, for kernels whose language reads no JSON: one line a file with the columns
handle, state, path or PFN, bytes, separated by tabs, in a file of the same name that ends in ``.tsv``.

Kernels read it with `nbrucio.kernel`. The format is described in ``schemas/nbrucio_schemas/manifest-1.schema.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Literal, NamedTuple

from nbrucio.disk.atomic import create_whole, write_file, write_pieces
from nbrucio.disk.read import open_regular, parse_json, read_file, read_json
from nbrucio.errors import BadConfig, NbrucioError
from nbrucio.kernel import where
from nbrucio.kernel.manifest import MAX_BYTES

VERSION = 1
_json = json.JSONEncoder(separators=(",", ":")).encode
#: Where the data begins. No string can hold it: a quotation mark within one has a backslash before it.
_DATA = b',"data":'
#: What stands before the data is a path and a few words.
_MAX_HEAD_BYTES = 1 << 16
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


def path_for(notebook: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where `write` puts the manifest of ``notebook``; the value for NBRUCIO_MANIFEST."""
    return where.runtime_folder(environ).absolute() / where.manifest_name(notebook)


def plain_path(manifest: Path) -> Path:
    """Where `write` puts the plain form of the manifest at this path."""
    return manifest.with_suffix(".tsv")


def write(manifest: Manifest, environ: Mapping[str, str] = os.environ) -> Path:
    """Replace the manifest of ``manifest.notebook`` by this one and return its path.

    A reader sees the old or the new one, never a part; a crash leaves at most a temporary file in the runtime folder.
    One that says the same already is left alone, so a sync with nothing to do writes nothing.

    Raises:
        BadConfig: the runtime folder is a link, another user's, or cannot be written.
    """
    path = path_for(Path(manifest.notebook), environ)
    try:
        where.make_private(path.parent)
        if manifest.state == "ready" and _says_the_same(path, manifest):
            return path
        # The plain form first: who waits for the JSON to say "ready" finds both.
        write_pieces(plain_path(path), map(_bytes, _plain_lines(manifest)))
        write_pieces(path, map(_bytes, chain((_head(manifest),), _data(manifest))))
    except OSError as error:
        raise BadConfig(
            f"The manifest of this notebook cannot be written: {error.strerror or error}.",
            subject=str(path.parent),
            hint=f"Set {where.RUNTIME_VARIABLE} to a folder of your own on local disk.",
        ) from error
    return path


def nothing_yet(notebook: str) -> bytes:
    """What a manifest holds before anybody has looked at ``notebook``, its absolute real path; empty for no notebook.

    Kernels that find it wait a little, as they do when there is no manifest.
    """
    manifest = Manifest(notebook, "syncing", ())
    return b"".join(map(_bytes, chain((_head(manifest),), _data(manifest))))


def expect(path: Path, notebook: Path) -> None:
    """Make sure that there is a manifest of ``notebook`` at ``path``; a new one says `nothing_yet`.

    Raises:
        OSError: it cannot be written.
    """
    where.make_private(path.parent)
    if not path.exists():
        if path.is_symlink():  # to the manifest of another name, which is gone
            path.unlink()
        create_whole(plain_path(path), b"")
        create_whole(path, nothing_yet(os.path.realpath(notebook)))


def says_nothing(path: Path) -> bool:
    """Whether the manifest at ``path`` is missing, or says `nothing_yet`."""
    try:
        with open_regular(path, MAX_BYTES) as file:
            head, _, data = file.read(_MAX_HEAD_BYTES).partition(_DATA)
        return data == b"{}}\n" and parse_json(head + b"}").get("state") == "syncing"
    except (OSError, ValueError, AttributeError):
        return True


def write_progress(notebook: Path, progress: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> None:
    """Write the progress of a sync for kernels that wait: ``files_done``, ``bytes_done`` and their totals.

    Raises:
        OSError: it cannot be written.
    """
    path = path_for(notebook, environ)
    where.make_private(path.parent)
    write_file(path.with_suffix(".progress"), json.dumps(progress).encode())


def follow(old: Path, new: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Give the kernels of a notebook that was renamed from ``old`` to ``new`` the manifest of its new name.

    They keep the path that they were started with, so it becomes a link. Does nothing if there was no manifest.

    Raises:
        OSError: it cannot be written.
    """
    source, target = path_for(old, environ), path_for(new, environ)
    try:
        content = read_json(source, MAX_BYTES)
        plain = read_file(plain_path(source), MAX_BYTES)
    except (FileNotFoundError, ValueError):
        return
    content["notebook"] = os.path.realpath(new)
    write_file(plain_path(target), plain)
    write_file(target, _bytes(_json(content)))
    for left, leads_to in ((plain_path(source), plain_path(target)), (source, target)):
        scratch = left.with_name(f".{left.name}.{os.getpid()}.tmp")
        scratch.symlink_to(leads_to.name)
        scratch.replace(left)


def remove(notebook: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Remove the manifest of ``notebook`` if there is one.

    Raises:
        OSError: it cannot be removed.
    """
    path = path_for(notebook, environ)
    for file in (path, plain_path(path), path.with_suffix(".progress")):
        file.unlink(missing_ok=True)


def _says_the_same(path: Path, manifest: Manifest) -> bool:
    """Whether both files say this already. Who wrote them, and when, is no content."""
    try:
        with open_regular(plain_path(path), MAX_BYTES) as plain:
            if not _continues(plain, map(_bytes, _plain_lines(manifest))):
                return False
        with open_regular(path, MAX_BYTES) as file:
            head, found, _ = file.read(_MAX_HEAD_BYTES).partition(_DATA)
            file.seek(len(head) + len(found))
            present, facts = parse_json(head + b"}"), json.loads(_head(manifest).removesuffix(_DATA.decode()) + "}")
            if any(present.get(key) != facts[key] for key in ("version", "notebook", "state", "config")):
                return False
            return _continues(file, map(_bytes, _data(manifest)))
    except (OSError, ValueError, AttributeError):
        return False


def _continues(file: BinaryIO, pieces: Iterable[bytes]) -> bool:
    return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _head(manifest: Manifest) -> str:
    """The manifest up to its data."""
    written = manifest.written or datetime.now(timezone.utc)
    facts = {
        "version": VERSION,
        "notebook": manifest.notebook,
        "state": manifest.state,
        "written": written.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "pid": os.getpid(),
        "config": dict(manifest.config),
    }
    return _json(facts)[:-1] + _DATA.decode()


def _data(manifest: Manifest) -> Iterator[str]:
    """The rest in pieces: the whole of 100,000 files would be in memory several times."""
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
        yield f'{"," if number else ""}{_json(entry.handle)}:{_json(facts)[:-1]},"files":['
        for index, file in enumerate(entry.files):
            facts = file._asdict()
            if file.stat is None:
                del facts["stat"]
            yield f"{',' if index else ''}{_json(facts)}"
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
