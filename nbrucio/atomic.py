"""Write a whole file or nothing: a reader, or a crash at any moment, finds the old content or the new one.

The order of `replace_file`, and what a crash leaves behind after each step:

1. a temporary file ``.nbrucio-*.tmp`` is made beside the target — the old file, and the temporary one
2. the data is written to it and reaches the disk — the same
3. it takes the target's name — the new file
4. the folder reaches the disk — the new file, also after a power cut
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path


def replace_file(target: Path, data: bytes, last_look: Callable[[], object]) -> None:
    """Make ``data`` the content of the existing file ``target``; a symlink keeps pointing to it.

    The mode stays, and the owner where the system lets us. ``last_look`` is called just before the new content takes
    the name; what it raises stops the change. Only another writer between it and the rename can lose its work.

    Raises:
        OSError: the file or its folder cannot be written, or the disk is full; the file is as before and no
            temporary one is left.
    """
    target = Path(os.path.realpath(target))
    before = target.stat()
    # A rename needs no permission on the file itself, but who made it read-only meant it; even root is asked.
    if not before.st_mode & 0o222 or not os.access(target, os.W_OK):
        raise PermissionError("it is read-only")
    handle, temporary = _temporary_beside(target)
    try:
        with os.fdopen(handle, "wb") as file:
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                with suppress(PermissionError):  # only root may give files away; the group may be one of ours
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        last_look()
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def create_file(path: Path, data: bytes) -> None:
    """Create the file ``path`` with the content ``data``.

    Raises:
        FileExistsError: something has that name already.
        OSError: the file cannot be created, or the disk is full; no file is left.
    """
    with path.open("xb") as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


def create_whole(path: Path, data: bytes) -> None:
    """`write_file`, unless something has that name already; for what several processes may begin with.

    Raises:
        OSError: it cannot be written.
    """
    handle, temporary = _temporary_beside(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_beside(path: Path) -> tuple[int, Path]:
    """A new file of mode 0600 in the folder of ``path``, open for writing."""
    import tempfile  # takes 6 ms, and most commands that have nothing to do never write

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".nbrucio-", suffix=".tmp")
    return handle, Path(name)


def _sync_folder(folder: Path) -> None:
    # The change is done and visible; a file system that cannot sync folders (some network ones) is no failure.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """`write_pieces` of one piece."""
    write_pieces(path, (data,), durable=durable)


def write_pieces(path: Path, pieces: Iterable[bytes], *, durable: bool = False) -> None:
    """Make ``pieces`` the content of ``path``, new or not, readable by its owner alone; the folder must exist.

    A reader never sees half of it.

    Args:
        durable: force it to the disk. Without that a power cut may leave an empty file, which is right only for what
            can be made again and is checked when it is read.

    Raises:
        OSError: it cannot be written; the file is as before and no temporary one is left.
    """
    handle, temporary = _temporary_beside(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)
