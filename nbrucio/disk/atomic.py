"""Atomic writes: readers, also after a crash at any moment, find either the old or the new content.

The steps of `replace_file`, and what a crash after each step leaves:

1. a temporary file ``.nbrucio-*.tmp`` is made beside the target — the old file, and the temporary one
2. the data is written to it and reaches the disk — the same
3. it takes the target's name — the new file
4. the folder reaches the disk — the new file, also after a power cut

The new file is another inode. If it cannot get the owner, group, mode, ACL and extended attributes of the old one, or
if the old one has other hard links, the old file is written in place instead, as Jupyter does:

1. a copy of it ``.NAME.nbrucio-before`` is made beside it and reaches the disk — the old file, and the copy
2. the file is written — a damaged file, and the copy
3. the copy is removed — the new file

The next write in a folder removes temporary files of ended processes (`nbrucio.disk.leftovers`).
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nbrucio.disk.leftovers import sweep, temporary_name
from nbrucio.disk.permissions import copy_access, restrict, share_like
from nbrucio.disk.read import open_regular, read_file

#: Largest file that is written in place: it is held in memory.
_MAX_BYTES = 1 << 30
#: Seconds. While its copy is younger, another process may be writing the file.
_COPY_IN_USE_S = 60
_BEING_MOUNTED = (errno.EBUSY, errno.EXDEV, errno.EPERM)


def replace_file(target: Path, data: bytes, last_check: Callable[[], object]) -> None:
    """Replace the content of the existing file ``target`` and keep its access rights. Symlinks are followed.

    Args:
        last_check: called just before the content changes; an exception from it cancels the write. Only a writer that
            writes between this call and the change loses its work.

    Raises:
        OSError: the file or its folder cannot be written, or the disk is full. The file is unchanged, and no
            temporary file is left.
    """
    target = Path(os.path.realpath(target))
    # A rename needs no permission on the file itself, but a read-only file stays as it is, also for root.
    if not target.stat().st_mode & 0o222:
        raise PermissionError("it is read-only")
    descriptor = os.open(target, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not _exchange(target, descriptor, data, last_check):
            _write_over(target, descriptor, data, last_check)
    finally:
        os.close(descriptor)
    _sync_folder(target.parent)


def _exchange(target: Path, old: int, data: bytes, last_check: Callable[[], object]) -> bool:
    """Replace ``target``, open as ``old``, by a new file. False, with nothing changed, if its rights would differ."""
    if os.fstat(old).st_nlink > 1:
        return False
    handle, temporary = _temporary_beside(target)
    try:
        with os.fdopen(handle, "wb") as file:
            if not copy_access(old, file.fileno()):
                temporary.unlink()
                return False
            _write_through(file, data)
        last_check()
        try:
            temporary.replace(target)
        except OSError as error:
            if error.errno not in _BEING_MOUNTED:
                raise
            temporary.unlink()
            return False
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return True


def copy_of(target: Path) -> Path:
    """Return the path of the old content while ``target`` is written in place, and after a crash in that write."""
    target = Path(os.path.realpath(target))
    return target.with_name(f".{target.name}.nbrucio-before")


def _write_over(target: Path, old: int, data: bytes, last_check: Callable[[], object]) -> None:
    before = read_file(target, _MAX_BYTES)
    copy = copy_of(target)
    _make_copy(copy, before)
    try:
        last_check()
    except BaseException:
        copy.unlink()
        raise
    try:
        _fill(old, data)
    except BaseException:
        _restore(old, before, copy)
        copy.unlink()
        raise
    copy.unlink()


def _restore(old: int, before: bytes, copy: Path) -> None:
    try:
        _fill(old, before)  # its blocks are still allocated
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; its previous content is in {copy}") from error


def _make_copy(copy: Path, data: bytes) -> None:
    try:
        found = copy.stat().st_mtime
    except FileNotFoundError:
        pass
    else:
        if time.time() - found < _COPY_IN_USE_S:
            raise OSError(errno.EAGAIN, "another program seems to be writing it; wait a minute and try again")
        if read_file(copy, _MAX_BYTES) != data:
            words = f"an earlier write was interrupted; compare it with its previous content in {copy}, then remove it"
            raise OSError(errno.EBUSY, words)
        copy.unlink()
    with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        try:
            restrict(file.fileno(), 0o600)
            _write_through(file, data)
        except BaseException:
            copy.unlink()
            raise
    _sync_folder(copy.parent)


def _fill(descriptor: int, data: bytes) -> None:
    """Write ``data`` as the whole content of an open file, after its space is allocated."""
    size = os.fstat(descriptor).st_size
    if len(data) > size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, size, len(data) - size)
        except OSError as error:
            os.ftruncate(descriptor, size)
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
    rest = memoryview(data)
    while rest:
        rest = rest[os.pwrite(descriptor, rest, len(data) - len(rest)) :]
    os.ftruncate(descriptor, len(data))
    _flush(descriptor)


def create_file(path: Path, data: bytes) -> None:
    """Create the file ``path`` with the content ``data``.

    Raises:
        FileExistsError: the name is taken.
        OSError: the file cannot be created, or the disk is full. No file is left.
    """
    with path.open("xb") as file:
        try:
            _write_through(file, data)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


def create_whole(path: Path, data: bytes) -> None:
    """Create ``path`` as `write_file` does, unless it exists; for files that several processes may create at once.

    Raises:
        OSError: the file cannot be written.
    """
    handle, temporary = _temporary_beside(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def create_like(path: Path, data: bytes, model: Path) -> None:
    """Create the file ``path`` with the access rights of ``model``, which is in the same folder.

    Raises:
        OSError: the file cannot be created, or the owner of ``model`` could not read it. No file is left.
    """
    with _replacing(path, durable=True) as file, open_regular(model, _MAX_BYTES) as like:
        if not share_like(like.fileno(), file.fileno()):
            raise OSError(
                errno.EPERM, f"the owner of {model} could not read the new file; ask that user to run this command"
            )
        file.write(data)


def write_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write ``data`` as `write_pieces` does."""
    write_pieces(path, (data,), durable=durable)


def write_pieces(path: Path, pieces: Iterable[bytes], *, durable: bool = False) -> None:
    """Write ``pieces`` to ``path``, new or existing, atomically and with mode 0600. The folder must exist.

    Args:
        durable: sync the file to the disk. Without it a power cut may leave an empty file, which suits only files
            that can be created again and are checked when read.

    Raises:
        OSError: the file cannot be written. It is unchanged, and no temporary file is left.
    """
    with _replacing(path, durable=durable) as file:
        file.writelines(pieces)


@contextmanager
def _replacing(path: Path, *, durable: bool) -> Iterator[BinaryIO]:
    """Yield a new file, which takes the name ``path`` when the block ends; after an error no file is left."""
    handle, temporary = _temporary_beside(path)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            if durable:
                file.flush()
                _flush(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def _temporary_beside(path: Path) -> tuple[int, Path]:
    """Return a new file of mode 0600 in the folder of ``path``, open for writing, and its path."""
    sweep(path.parent)
    temporary = path.with_name(temporary_name())
    handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        restrict(handle, 0o600)
    except BaseException:
        os.close(handle)
        temporary.unlink()
        raise
    return handle, temporary


def _write_through(file: BinaryIO, data: bytes) -> None:
    """Write ``data`` to the disk, not only to the system's memory."""
    file.write(data)
    file.flush()
    _flush(file.fileno())


def _flush(descriptor: int) -> None:
    """Flush an open file to the disk. Some file systems have no such call, which is not an error of writing."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise


def _sync_folder(folder: Path) -> None:
    # The change is visible already. Some network file systems cannot sync folders, which is not an error.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
