"""Writes manifests: one file a notebook in the runtime folder of this user, mode 0600, replaced atomically.

Beside it is a file of the same name that ends in ``.tsv``, its plain form.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from nbrucio.disk.atomic import create_whole, write_file, write_pieces
from nbrucio.disk.read import open_regular, parse_json, read_file, read_json
from nbrucio.disk.system_errors import kind_of
from nbrucio.errors import BadConfig
from nbrucio.kernel import where
from nbrucio.kernel.arrivals import FIRST_SUFFIX
from nbrucio.kernel.manifest import MAX_BYTES
from nbrucio.pipeline.manifest import (
    BEFORE_DATA,
    Manifest,
    data_of,
    empty_manifest,
    encoded,
    facts_of,
    pieces,
    plain_pieces,
)

#: What stands before the data is a path and a few words.
_MAX_HEAD_BYTES = 1 << 16


def path_for(notebook: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the manifest of ``notebook``, the value for NBRUCIO_MANIFEST."""
    return where.runtime_folder(environ).absolute() / where.manifest_name(notebook)


def plain_path(manifest: Path) -> Path:
    """Return the path of the ``.tsv`` file of the manifest at this path."""
    return manifest.with_suffix(".tsv")


def arrivals_path(manifest: Path) -> Path:
    """Return the path of the arrivals beside the manifest at this path, see `nbrucio.pipeline.arrivals`."""
    return manifest.with_suffix(".arrivals")


def write(manifest: Manifest, environ: Mapping[str, str] = os.environ) -> Path:
    """Replace the manifest of ``manifest.notebook`` by this one and return its path.

    Readers get the old or the new manifest, never a part. A crash leaves at most a temporary file in the runtime
    folder. A manifest with the same content is not written again.

    Raises:
        BadConfig: the runtime folder is a link, belongs to another user, or cannot be written.
        NoSpace: its disk is full.
    """
    path = path_for(Path(manifest.notebook), environ)
    try:
        where.make_private(path.parent)
        if manifest.state == "ready" and _is_unchanged(path, manifest):
            return path
        # The .tsv file first: both exist when the JSON says "ready".
        write_pieces(plain_path(path), plain_pieces(manifest))
        write_pieces(path, pieces(manifest))
        if manifest.arrivals is None:  # it lists all that arrived
            arrivals_path(path).unlink(missing_ok=True)
            path.with_suffix(FIRST_SUFFIX).unlink(missing_ok=True)
    except OSError as error:
        raise kind_of(error, BadConfig)(
            f"The manifest of this notebook cannot be written: {error.strerror or error}.",
            subject=str(path.parent),
            hint=f"Set {where.RUNTIME_VARIABLE} to a folder of your own on local disk.",
        ) from error
    return path


def expect(path: Path, notebook: Path) -> None:
    """Create a manifest of ``notebook`` at ``path`` from `empty_manifest`, unless there is one.

    Raises:
        OSError: it cannot be written.
    """
    where.make_private(path.parent)
    if not path.exists():
        if path.is_symlink():  # a link to a manifest that was removed
            path.unlink()
        create_whole(plain_path(path), b"")
        create_whole(path, empty_manifest(os.path.realpath(notebook)))


def is_empty(path: Path) -> bool:
    """Return whether the manifest at ``path`` is missing or that of `empty_manifest`."""
    try:
        with open_regular(path, MAX_BYTES) as file:
            head, _, data = file.read(_MAX_HEAD_BYTES).partition(BEFORE_DATA)
        return data == b"{}}\n" and parse_json(head + b"}").get("state") == "syncing"
    except (OSError, ValueError, AttributeError):
        return True


def write_progress(notebook: Path, progress: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> None:
    """Write the progress of a sync for waiting kernels: ``files_done``, ``bytes_done`` and their totals.

    Raises:
        OSError: it cannot be written.
    """
    path = path_for(notebook, environ)
    where.make_private(path.parent)
    write_file(path.with_suffix(".progress"), json.dumps(progress).encode())


def follow(old: Path, new: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Replace the manifest of ``old`` by a link to that of ``new`` after a notebook was renamed: its kernels still use
    the old path. Do nothing if there was no manifest.

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
    write_file(target, encoded(content))
    for left, leads_to in ((plain_path(source), plain_path(target)), (source, target)):
        scratch = left.with_name(f".{left.name}.{os.getpid()}.tmp")
        scratch.symlink_to(leads_to.name)
        scratch.replace(left)
    with suppress(FileNotFoundError):
        arrivals_path(source).replace(arrivals_path(target))


def remove(notebook: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Remove the manifest of ``notebook`` if it exists.

    Raises:
        OSError: it cannot be removed.
    """
    path = path_for(notebook, environ)
    for file in (
        path,
        plain_path(path),
        arrivals_path(path),
        path.with_suffix(FIRST_SUFFIX),
        *(path.with_suffix(f".{kind}") for kind in ("progress", "question", "answer")),
    ):
        file.unlink(missing_ok=True)


def _is_unchanged(path: Path, manifest: Manifest) -> bool:
    """Return whether both files have this content, apart from their time and writer."""
    try:
        with open_regular(plain_path(path), MAX_BYTES) as plain:
            if not _continues(plain, plain_pieces(manifest)):
                return False
        with open_regular(path, MAX_BYTES) as file:
            head, found, _ = file.read(_MAX_HEAD_BYTES).partition(BEFORE_DATA)
            file.seek(len(head) + len(found))
            present, facts = parse_json(head + b"}"), facts_of(manifest)
            if any(present.get(key) != facts[key] for key in ("version", "notebook", "state", "config")):
                return False
            return _continues(file, data_of(manifest))
    except (OSError, ValueError, AttributeError):
        return False


def _continues(file: BinaryIO, pieces: Iterable[bytes]) -> bool:
    return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)
