"""Local files to upload, and their DIDs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.core.did import Did, name_fault
from nbrucio.core.text import printable
from nbrucio.errors import BadDid, UsageError
from nbrucio.operations.upload.progress import TEMPORARY_SUFFIX

#: Bytes of a file name that storage can store with UploadClient's suffix: file systems allow 255 (NAME_MAX).
MAX_NAME_BYTES = 255 - len(TEMPORARY_SUFFIX)


@dataclass(frozen=True)
class LocalFile:
    """One file to upload.

    Attributes:
        path: its path.
        did: its DID at Rucio.
        size_bytes: its size when it was found.
    """

    path: Path
    did: Did
    size_bytes: int


def collect(paths: Sequence[Path], scope: str) -> tuple[LocalFile, ...]:
    """Return the files that ``paths`` name, sorted by DID.

    A file is named by its own name. A file below a given folder is named by its relative path, with dots instead of
    slashes: many schemas allow a slash, but `rucio download` cannot write such a file. Hidden files, and symbolic links
    within folders, are left out.

    Raises:
        UsageError: a path does not exist, or is neither a folder nor a regular file; a folder is empty; or two files
            would get the same name.
        BadDid: a name is not valid at Rucio, or too long for storage.
    """
    found: dict[Did, LocalFile] = {}
    for path in paths:
        for file, name in _below(path):
            _check_name(file, name)
            did = Did.of(scope, name)
            twin = found.get(did)
            if twin is not None and twin.path != file:
                raise UsageError(
                    f"{printable(str(twin.path))} and {printable(str(file))} would both be {did}.",
                    subject=str(did),
                    hint="Rename one of them, or send them to different scopes.",
                )
            found[did] = LocalFile(file, did, file.stat().st_size)
    return tuple(found[did] for did in sorted(found))


def _check_name(file: Path, name: str) -> None:
    fault = name_fault(name)
    if fault is None and len(os.fsencode(name)) > MAX_NAME_BYTES:
        fault = (
            f"its name has more than {MAX_NAME_BYTES} bytes, too long for storage with the suffix {TEMPORARY_SUFFIX}"
        )
    if fault is not None:
        raise BadDid(
            f"{printable(str(file), 500)} cannot be uploaded as {printable(name, 40)}: {fault}.",
            subject=str(file),
            hint="Rename the file, then try again.",
        )


def _below(path: Path) -> Iterator[tuple[Path, str]]:
    path = path.absolute()
    if path.is_file():
        yield path, path.name
        return
    if not path.is_dir():
        if path.exists():
            raise UsageError(
                f"{printable(str(path))} is not a regular file.",
                subject=str(path),
                hint="Write its content to a file, then upload that file.",
            )
        raise UsageError(f"{printable(str(path))} does not exist.", subject=str(path))
    files = sorted(_visible(path))
    if not files:
        raise UsageError(f"{printable(str(path))} contains no files to upload.", subject=str(path))
    yield from ((file, ".".join(file.relative_to(path).parts)) for file in files)


def _visible(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _visible(path)
        elif path.is_file():
            yield path


def total_bytes(files: Iterable[LocalFile]) -> int:
    """Return the bytes of all ``files``."""
    return sum(file.size_bytes for file in files)
