"""Translates `OSError` in the store into nbrucio's errors. No `OSError` leaves the room any other way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from nbrucio.disk.system_errors import FULL, shortage
from nbrucio.errors import BadConfig, NbrucioError, NoSpace, Unavailable

#: Errors of a read-only store. FUSE file systems that cannot write lack the calls altogether.
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSYS, errno.EOPNOTSUPP)
_IN_THE_WAY = (errno.ENOTDIR, errno.EEXIST)


def store_error(error: OSError, root: str, subject: str | None = None) -> NbrucioError:
    """Return the nbrucio error for ``error``, raised by a call below the store at ``root``."""
    short = shortage(error, subject)
    if short is not None:
        return short
    if error.errno in FULL:
        causes = {
            errno.EDQUOT: "your quota is used up",
            errno.EFBIG: "its file system does not take files of this size",
        }
        what = causes.get(error.errno, "its disk is full")
        return NoSpace(
            f"The cache {root} cannot take more data: {what}.",
            subject=subject,
            hint="Free some space there, or set NBRUCIO_STORE to another folder.",
        )
    if error.errno in FORBIDDEN:
        return BadConfig(
            f"The cache {root} cannot be written: {error.strerror}.",
            subject=subject,
            hint="Set NBRUCIO_STORE to a folder that you may write to.",
        )
    blocked = file_in_the_way(Path(error.filename or root))
    if error.errno in _IN_THE_WAY or (error.errno == errno.ENOENT and blocked is not None):  # such as a broken link
        return no_folder(root, blocked or Path(error.filename or root), subject)
    if error.errno == errno.EXDEV:
        return BadConfig(
            f"The cache {root} cannot be used: its folders objects and partial are on different disks.",
            subject=subject,
            hint="Move the whole cache to one disk, or set NBRUCIO_STORE to another folder.",
        )
    if error.errno in (errno.ENOENT, errno.ESTALE) and not _is_above(error.filename, root):
        return Unavailable(
            f"Another program removed or changed files in the cache {root} while nbrucio wrote there.",
            subject=subject,
            hint="Run the same command again: nbrucio downloads what is missing.",
        )
    return Unavailable(
        f"The cache {root} cannot be used: {error.strerror or error}.",
        subject=subject,
        hint="Check its file system, or set NBRUCIO_STORE to another folder.",
    )


def unreadable(error: OSError, path: str, subject: str) -> NbrucioError:
    """Return the nbrucio error for an object that cannot be read."""
    return Unavailable(
        f"The cached file of {subject} cannot be read: {path}: {error.strerror or error}.",
        subject=subject,
        hint="Correct its owner and mode, or remove it and run `nbrucio sync` again.",
    )


def no_folder(root: str, file: Path, subject: str | None = None) -> BadConfig:
    """Return the error for a store at ``root`` with a ``file`` on its way or in it where a folder must be."""
    hint = "Move that file away, then try again."
    if _is_above(file, root):  # which may be any file, from a mistake in the setting
        hint = "Set store.path or NBRUCIO_STORE to a folder."
    return BadConfig(f"The cache {root} cannot be used: {file} must be a folder.", subject=subject, hint=hint)


def file_in_the_way(path: Path) -> Path | None:
    """Return what is on the way to ``path``, or there, and no folder: a file, or a link that leads nowhere."""
    found = (one for one in (*reversed(path.parents), path) if os.path.lexists(one) and not one.is_dir())
    return next(found, None)


def _is_above(path: Path | str | None, root: str) -> bool:
    """Whether ``path`` is the store or a folder above it, which no other program removed: it was never there."""
    return path is not None and Path(path) in (Path(root), *Path(root).parents)
