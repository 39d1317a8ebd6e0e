"""Errors of the system that reach a command, because no room expected them at that file."""

from __future__ import annotations

import errno
import mmap
import os

from nbrucio.disk.read import reason
from nbrucio.errors import NbrucioError, NoSpace, Unavailable, UnreadableFile, UsageError

#: No space, no quota, or a file larger than the file system or a limit of this user allows.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)
#: What Python says in a `RuntimeError`.
_NO_THREAD = "can't start new thread"
#: More than a thread for requests and a connection need together, see `lacking`.
_SPARE_PIPES = 4
_SPARE_BYTES = 16 << 20
#: Only disks and limits of processes have these; calls on descriptors report no path with them.
_WITHOUT_PATH = (*FULL, errno.EIO, errno.EROFS, errno.ESTALE)


def kind_of(error: BaseException | None, otherwise: type[NbrucioError]) -> type[NbrucioError]:
    """Return the class of the error of a file that cannot be written: `NoSpace` on a full disk, else ``otherwise``."""
    return NoSpace if isinstance(error, OSError) and error.errno in FULL else otherwise


def system_error(error: BaseException) -> NbrucioError | None:
    """Return the error of a disk, a file or a limit of this machine, which is not nbrucio's; None for any other one."""
    short = shortage(error)
    if short is not None:
        return short
    if not isinstance(error, OSError) or error.errno is None:
        return None
    if error.filename is None and error.errno == errno.ENOENT:
        words = "The folder in which this command runs was removed."
        return UsageError(words, hint="Change to another folder, then try again.")
    if error.filename is None and error.errno not in _WITHOUT_PATH:
        return None
    path = None if error.filename is None else str(error.filename)
    name = path or "A file"
    if error.errno in FULL:
        words = f"{name} cannot be written: {reason(error)}."
        return NoSpace(words, subject=path, hint="Free some space on its disk, then try again.")
    kind = UnreadableFile if error.errno in _FORBIDDEN else Unavailable
    words = f"{name} cannot be read or written: {reason(error)}."
    return kind(words, subject=path, hint="Check this file, its permissions and its disk, then try again.")


def shortage(error: BaseException | None, subject: str | None = None) -> Unavailable | None:
    """Return the error of a machine that gives no more open files, memory or threads; None for any other one."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EMFILE, errno.ENFILE):
        whose = "this process" if number == errno.EMFILE else "this machine"
        return Unavailable(
            f"nbrucio cannot open more files: {whose} has too many open.",
            subject=subject,
            hint="Restart the kernel or program that keeps them open, or raise its limit first (`ulimit -n 4096`).",
        )
    if isinstance(error, MemoryError) or number == errno.ENOMEM or _NO_THREAD in str(error):
        return out_of_memory(subject)
    return None


def out_of_memory(subject: str | None = None) -> Unavailable:
    """Return the error of a machine without more memory or threads."""
    words = "This machine gives nbrucio no more memory or threads."
    hint = "End other programs, or raise the limits on memory (`ulimit -v`) or processes."
    return Unavailable(words, subject=subject, hint=hint)


def lacking() -> Unavailable | None:
    """Return the error of this machine if it gives this process hardly any more open files or memory.

    For failures of libraries, which seldom give this as their reason: libcurl says of a certificate that it could not
    be loaded. A library has closed its own files by then, so a few more than one must be left.
    """
    held: list[int] = []
    try:
        for _ in range(_SPARE_PIPES):
            held += os.pipe()
        mmap.mmap(-1, _SPARE_BYTES).close()
    except (OSError, MemoryError) as error:
        return shortage(error)
    finally:
        for descriptor in held:
            os.close(descriptor)
    return None
