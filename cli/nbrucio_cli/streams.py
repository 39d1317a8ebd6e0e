"""stdin, stdout and stderr that are closed, that cannot be written, or whose encoding lacks characters."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbrucio.errors import NbrucioError


#: Name of the error handler `_without_characters`.
_LENIENT = "nbrucio"


class _Messages(io.TextIOWrapper):
    """stderr that ignores write errors: a message that cannot be printed must not end a download."""

    def write(self, text: str) -> int:
        """Write ``text`` if possible."""
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered if possible."""
        with suppress(OSError):
            super().flush()


class _Results(io.TextIOWrapper):
    """stdout whose write errors, such as a full disk, are errors of nbrucio; a closed pipe is not."""

    def write(self, text: str) -> int:
        """Write ``text``."""
        try:
            return super().write(text)
        except OSError as error:
            raise _unwritten(error) from error

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            super().flush()
        except OSError as error:
            raise _unwritten(error) from error


def prepare() -> None:
    """Open the null device for closed streams, let write errors be handled, and write any character somehow.

    The next opened file would get the number of a closed stream, and a library that prints would write into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    codecs.register_error(_LENIENT, _without_characters)
    sys.stdout = _wrapped(_Results, sys.stdout, 1)
    sys.stderr = _wrapped(_Messages, sys.stderr, 2)


def discard_stdout() -> None:
    """Redirect stdout to the null device, so that what is still buffered causes no further errors."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _wrapped(kind: type[io.TextIOWrapper], stream: object, number: int) -> io.TextIOWrapper:
    """Return a ``kind`` like ``stream``, which is None where Python found it closed."""
    if isinstance(stream, io.TextIOWrapper):
        errors = _LENIENT if stream.errors == "strict" else stream.errors
        return kind(stream.buffer, encoding=stream.encoding, errors=errors, line_buffering=stream.line_buffering)
    return kind(os.fdopen(number, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")


def _without_characters(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write the bytes of a file's name as they are, so that scripts find it, and other characters as escapes."""
    with suppress(UnicodeError):
        return codecs.lookup_error("surrogateescape")(error)
    return codecs.lookup_error("backslashreplace")(error)


def _unwritten(error: OSError) -> OSError | NbrucioError:
    if isinstance(error, BrokenPipeError):
        return error
    from nbrucio.errors import NoSpace, UsageError  # not for the help, which scripts call to find nbrucio

    kind = NoSpace if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else UsageError
    return kind(f"The output cannot be written: {error.strerror}.", hint="Redirect it to another file.")
