"""The file list of a DID as lines of text, and its digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry

_LINE = re.compile(r"([^\t]+)\t([0-9]{1,20}|-)\t([0-9a-f]{8}|[0-9a-f]{32}|-)")


def sha256_sums(value: object) -> dict[str, str]:
    """Parse a lock's ``sha256`` into hex SHA-256 by DID; omit malformed entries."""
    if not isinstance(value, Mapping):
        return {}
    return {str(did): str(digits) for did, digits in value.items() if is_digest(f"sha256:{digits}")}


def list_lines(files: Iterable[FileEntry]) -> list[str]:
    """Return the canonical lines of a file list: ``scope:name<TAB>bytes<TAB>adler32-or-md5``, sorted as UTF-8 bytes.

    An unknown size or checksum is ``-``. DIDs contain no control characters, so the lines can be split exactly.
    """
    return sorted(map(line_of, files), key=lambda line: line.encode("utf-8", "surrogatepass"))


def line_of(entry: FileEntry) -> str:
    """Return the line of one file in `list_lines`."""
    size = "-" if entry.size_bytes is None else entry.size_bytes
    return f"{entry.did}\t{size}\t{entry.adler32 or entry.md5 or '-'}"


def parse_lines(lines: Iterable[object]) -> tuple[FileEntry, ...]:
    """Return the files of lines from `list_lines`, sorted by DID.

    Raises:
        ValueError: a line has another form.
        BadDid: a line's first part is not a DID.
    """
    return tuple(sorted(map(parse_line, lines), key=lambda entry: entry.did))


def parse_line(line: object) -> FileEntry:
    """Return the file of a line from `line_of`.

    Raises:
        ValueError, BadDid: as in `parse_lines`.
    """
    parts = _LINE.fullmatch(line) if isinstance(line, str) else None
    if parts is None:
        raise ValueError(f"a line of the file list is malformed: {line!r}")
    did, size, checksum = parts.groups()
    return FileEntry(
        Did.parse(did),
        None if size == "-" else int(size),
        checksum if len(checksum) == 8 else None,
        checksum if len(checksum) == 32 else None,
    )


def digest_of(files: Iterable[FileEntry]) -> str:
    """Return ``sha256:`` and the hex SHA-256 of `list_lines` in UTF-8, each with a line feed."""
    return digest_of_lines(list_lines(files))


def digest_of_lines(lines: Iterable[str]) -> str:
    """Like `digest_of`, for canonical lines."""
    hasher = hashlib.sha256()
    for line in lines:
        hasher.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return "sha256:" + hasher.hexdigest()


def is_digest(text: str) -> bool:
    """Return whether ``text`` has the form of `digest_of`; such a text is safe in a path."""
    hex_digits = text.removeprefix("sha256:")
    return text.startswith("sha256:") and len(hex_digits) == 64 and set(hex_digits) <= set("0123456789abcdef")
