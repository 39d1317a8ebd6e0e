"""Local files to upload, and their DIDs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.errors import UsageError


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
        UsageError: a path does not exist, a folder is empty, or two files would get the same name.
        BadDid: a name is not valid at Rucio.
    """
    found: dict[Did, LocalFile] = {}
    for path in paths:
        for file, name in _below(path):
            did = Did.parse(f"{scope}:{name}")
            twin = found.get(did)
            if twin is not None and twin.path != file:
                raise UsageError(
                    f"{printable(str(twin.path))} and {printable(str(file))} would both be {did}.",
                    subject=str(did),
                    hint="Rename one of them, or send them to different scopes.",
                )
            found[did] = LocalFile(file, did, file.stat().st_size)
    return tuple(found[did] for did in sorted(found))


def _below(path: Path) -> Iterator[tuple[Path, str]]:
    path = path.absolute()
    if path.is_file():
        yield path, path.name
        return
    if not path.is_dir():
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
