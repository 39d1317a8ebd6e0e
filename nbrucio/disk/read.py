"""Read files that anybody may have put there: only regular ones, at most so much of them, and never waiting.

A notebook's folder comes from Git, a mail or a shared disk. There a name can be a link to ``/dev/zero``, which fills
the memory, or a pipe, which is waited for forever. So every file of ours, and every file beside a notebook, is opened
here.

What nbrucio remembers and writes again is read with `read_kept`: absent is empty, and what is there but cannot be read
is an error that names the file, so that nothing is written over it.
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

#: For settings, records and tokens, which people and programs write by the line.
SMALL_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 20
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CONFLICT = b"<<<<<<<"


def open_regular(path: str | os.PathLike[str], max_bytes: int, *, follow: bool = True) -> BinaryIO:
    """The regular file ``path``, open for reading.

    Args:
        max_bytes: a larger file is refused.
        follow: whether ``path`` may be a link. Use False where nobody has a reason to put one.

    Raises:
        FileNotFoundError: nothing has this name.
        OSError: it is not a regular file (``EINVAL``, ``EISDIR``), is too large (``EFBIG``), is a link that leads
            nowhere (``ELOOP``), or cannot be opened. ``strerror`` says which, without the path.
    """
    try:
        # Asked before it is opened as well, since to open a device may start something.
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
    """The bytes of the regular file ``path``; arguments and errors as of `open_regular`."""
    with open_regular(path, max_bytes, follow=follow) as file:
        data = file.read(os.fstat(file.fileno()).st_size + 1)
        while block := file.read(_BLOCK_BYTES):  # it grew, or is one of /proc, which have no size
            data += block
            if len(data) > max_bytes:
                raise _too_large(max_bytes)
    return data


def read_json(path: str | os.PathLike[str], max_bytes: int, *, follow: bool = True) -> Any:  # noqa: ANN401 (as json.loads)
    """The JSON value in the regular file ``path``.

    Raises:
        ValueError: it is not JSON in UTF-8, or is nested too deeply.
        FileNotFoundError, OSError: as of `open_regular`.
    """
    return parse_json(read_file(path, max_bytes, follow=follow))


def parse_json(text: bytes | str) -> Any:  # noqa: ANN401 (as json.loads)
    """The JSON value that ``text`` writes.

    Raises:
        ValueError: it is not JSON in UTF-8, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_kept(
    path: Path, max_bytes: int, parse: Callable[[Any], T], absent: T, *, without: str, follow: bool = False
) -> T:
    """What ``parse`` makes of the JSON in a file that nbrucio keeps; ``absent`` when there is no such file.

    Args:
        parse: may raise whatever its checks raise; a `ValueError` says in its words what is wrong ("it is …").
        without: what moving the file away costs, as the end of a sentence: "nbrucio then asks for consent again".

    Raises:
        UnreadableFile: it is there, but cannot be read or is damaged. The caller leaves it as it is.
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
    """The error for the file ``path``, which is there but cannot be read; ``why`` as in "it is a folder"."""
    return UnreadableFile(f"{path} cannot be read: {why}.", subject=str(path), hint=hint)


def reason(error: OSError) -> str:
    """Why a file cannot be read, as the end of a sentence."""
    text = error.strerror or str(error)
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
    return OSError(errno.EFBIG, f"it is larger than {max_bytes / 1e6:.0f} MB")
