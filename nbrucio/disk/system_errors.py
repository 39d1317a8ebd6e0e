"""Errors of the system that reach a command, because no room expected them at that file."""

from __future__ import annotations

import errno

from nbrucio.disk.read import reason
from nbrucio.errors import NbrucioError, NoSpace, Unavailable, UnreadableFile, UsageError

#: No space, no quota, or a file larger than the file system or a limit of this user allows.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)
#: What Python says in a `RuntimeError`.
_NO_THREAD = "can't start new thread"
#: Only disks and limits of processes have these; calls on descriptors report no path with them.
_WITHOUT_PATH = (*FULL, errno.EIO, errno.EROFS, errno.ESTALE, errno.EMFILE, errno.ENFILE)


def kind_of(error: BaseException | None, otherwise: type[NbrucioError]) -> type[NbrucioError]:
    """Return the class of the error of a file that cannot be written: `NoSpace` on a full disk, else ``otherwise``."""
    return NoSpace if isinstance(error, OSError) and error.errno in FULL else otherwise


def system_error(error: BaseException) -> NbrucioError | None:
    """Return the error of a disk, a file or a limit of this machine, which is not nbrucio's; None for any other one."""
    if isinstance(error, MemoryError) or _NO_THREAD in str(error):
        words = "This machine gives nbrucio no more memory or threads."
        return Unavailable(words, hint="End other programs, or raise the limits on memory (`ulimit -v`) or processes.")
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
