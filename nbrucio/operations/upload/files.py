"""Which local files are sent, and what each is called at Rucio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.errors import UsageError


@dataclass(frozen=True)
class LocalFile:
    """One file to send.

    Attributes:
        path: where it is.
        did: what it is called at Rucio.
        size_bytes: its length when it was found.
    """

    path: Path
    did: Did
    size_bytes: int


def collect(paths: Sequence[Path], scope: str) -> tuple[LocalFile, ...]:
    """The files that ``paths`` name, sorted by DID.

    A file is called by its own name. One below a folder that was named is called by its way from there on, folders and
    name joined by dots: a slash is legal in many schemas, but `rucio download` cannot write such a file. What begins
    with a dot, and symbolic links within folders, are left out.

    Raises:
        UsageError: a path is not there, is empty, or two files would get the same name.
        BadDid: a name is none that Rucio can have.
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
        raise UsageError(f"There is no file or folder {printable(str(path))}.", subject=str(path))
    files = sorted(_visible(path))
    if not files:
        raise UsageError(f"There is no file to send in {printable(str(path))}.", subject=str(path))
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
    """How large ``files`` are together."""
    return sum(file.size_bytes for file in files)
