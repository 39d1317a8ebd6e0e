"""Read untrusted files: regular files only, up to a size limit, without blocking.

The folder of a notebook can be a Git clone, an attachment or a shared disk. A name in it can be a link to
``/dev/zero``, which fills the memory, or a pipe, which blocks forever. So all files of nbrucio and all files beside
notebooks are opened here.

`read_saved` reads the files in which nbrucio remembers things. A missing file is empty. A damaged file is an error that
names it, and nbrucio does not overwrite it.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from nbrucio.errors import NbrucioError, UnreadableFile

T = TypeVar("T")

#: Limit for settings, records and tokens, which have a few lines.
SMALL_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 20
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CONFLICT = b"<<<<<<<"


def open_regular(path: str | os.PathLike[str], max_bytes: int, *, follow: bool = True) -> BinaryIO:
    """Open the regular file ``path`` for reading.

    Args:
        max_bytes: size limit.
        follow: whether ``path`` may be a link. Use False for files of nbrucio, which it never links.

    Raises:
        FileNotFoundError: the file does not exist.
        OSError: the file is not regular (``EINVAL``, ``EISDIR``), is too large (``EFBIG``), is a dangling or
            forbidden link (``ELOOP``), or cannot be opened. ``strerror`` gives the reason, without the path.
    """
    try:
        # Checked before opening as well, because opening a device can have effects.
        _check(os.stat(path, follow_symlinks=follow), max_bytes)  # noqa: PTH116 (the store's paths are text)
    except FileNotFoundError:
        if not Path(path).is_symlink():
            raise
        raise OSError(errno.ELOOP, "it is a link to a file that does not exist", str(path)) from None
    descriptor = os.open(path, _FLAGS | (0 if follow else os.O_NOFOLLOW))
    try:
        _check(os.fstat(descriptor), max_bytes)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_file(path: str | os.PathLike[str], max_bytes: int, *, follow: bool = True) -> bytes:
    """Return the bytes of the regular file ``path``; arguments and errors as in `open_regular`."""
    with open_regular(path, max_bytes, follow=follow) as file:
        data = file.read(os.fstat(file.fileno()).st_size + 1)
        while block := file.read(_BLOCK_BYTES):  # it has grown, or is in /proc, where sizes are 0
            data += block
            if len(data) > max_bytes:
                raise _too_large(max_bytes)
    return data


def read_json(path: str | os.PathLike[str], max_bytes: int, *, follow: bool = True) -> Any:  # noqa: ANN401 (as json.loads)
    """Return the JSON value in the regular file ``path``; arguments as in `open_regular`.

    Raises:
        ValueError: the file is not JSON in UTF-8, or is nested too deeply.
        FileNotFoundError, OSError: as in `open_regular`.
    """
    return parse_json(read_file(path, max_bytes, follow=follow))


def parse_json(text: bytes | str) -> Any:  # noqa: ANN401 (as json.loads)
    """Return the JSON value of ``text``.

    Raises:
        ValueError: the text is not JSON in UTF-8, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_saved(
    path: Path, max_bytes: int, parse: Callable[[Any], T], absent: T, *, without: str, follow: bool = False
) -> T:
    """Read a JSON file of nbrucio.

    Args:
        parse: turns the JSON value into the result. Its lookup and type errors count as damage; the text of a
            `ValueError` that begins with "it is " becomes the reason.
        absent: the result if the file does not exist.
        without: the cost of moving the file away, as the end of a sentence: "nbrucio then asks for consent again".
        max_bytes, follow: as in `open_regular`.

    Raises:
        UnreadableFile: the file exists, but cannot be read or is damaged. Do not overwrite it.
    """
    data = b""
    try:
        data = read_file(path, max_bytes, follow=follow)
        return parse(parse_json(data))
    except FileNotFoundError:
        return absent
    except OSError as error:
        raise unreadable(
            path, reason(error), hint="Nothing was changed. Correct the file or its permissions, then try again."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, NbrucioError) as error:
        hint = f"Nothing was changed. Restore the file, or move it away: {without}."
        if data.startswith(_CONFLICT) or b"\n" + _CONFLICT in data:
            hint = "Nothing was changed. Resolve the merge conflict in it, then try again."
        raise unreadable(path, _fault(error), hint=hint) from error


def unreadable(path: Path, why: str, *, hint: str | None = None) -> UnreadableFile:
    """Return the error for an existing file that cannot be read; ``why`` as in "it is a folder"."""
    return UnreadableFile(f"{path} cannot be read: {why}.", subject=str(path), hint=hint)


def stamp_of(found: os.stat_result) -> tuple[int, int, int]:
    """Return size in bytes, modification time in ns and inode: a write changes the time, a replacement the inode."""
    return found.st_size, found.st_mtime_ns, found.st_ino


def reason(error: OSError | ValueError) -> str:
    """Return the reason of ``error`` as the end of a sentence. A path with NUL raises ValueError."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text[:1].lower() + text[1:]


def _fault(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is not valid JSON (line {error.lineno}, column {error.colno})"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    words = str(error)
    return words if isinstance(error, ValueError) and words.startswith("it is ") else "its content is malformed"


def _check(found: os.stat_result, max_bytes: int) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, "it is a folder")
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "it is a link")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if found.st_size > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> OSError:
    size = f"{max_bytes / 1e6:.0f} MB" if max_bytes >= 1_000_000 else f"{max_bytes / 1e3:.1f} kB"
    return OSError(errno.EFBIG, f"it is larger than {size}")
