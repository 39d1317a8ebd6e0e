"""Write a whole file or nothing: a reader, or a crash at any moment, finds the old content or the new one.

The order of `replace_file`, and what a crash leaves behind after each step:

1. a temporary file ``.nbrucio-*.tmp`` is made beside the target — the old file, and the temporary one
2. the data is written to it and reaches the disk — the same
3. it takes the target's name — the new file
4. the folder reaches the disk — the new file, also after a power cut

A file that takes another's name is another file. Where it cannot be given the owner, group, mode, ACL and extended
attributes of the old one, or where the old one has other hard links, the old file itself is written instead, as Jupyter
does:

1. a copy of it ``.NAME.nbrucio-before`` is made beside it and reaches the disk — the old file, and the copy
2. the file is written — a damaged file, and the copy
3. the copy is removed — the new file

Temporary files of processes that ended are swept by the next write in their folder (`nbrucio.disk.leftovers`).
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from nbrucio.disk.leftovers import sweep, temporary_name
from nbrucio.disk.permissions import copy_access, share_like
from nbrucio.disk.read import open_regular, read_file

#: Of a file that is written itself: it is in memory as a whole.
_MAX_BYTES = 1 << 30
#: Another process may be writing the file while its copy is younger.
_COPY_IN_USE_S = 60
_BEING_MOUNTED = (errno.EBUSY, errno.EXDEV, errno.EPERM)


def replace_file(target: Path, data: bytes, last_check: Callable[[], object]) -> None:
    """Make ``data`` the content of the existing file ``target``; who may read and write it stays as it is.

    A symlink keeps pointing to it. ``last_check`` is called just before the content changes; what it raises stops the
    change. Only another writer between it and the change can lose its work.

    Raises:
        OSError: the file or its folder cannot be written, or the disk is full; the file is as before and no
            temporary one is left.
    """
    target = Path(os.path.realpath(target))
    # A rename needs no permission on the file itself, but who made it read-only meant it; even root is asked.
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
    """Put a new file in the place of ``target``, open as ``old``; False, with nothing done, where it would differ."""
    if os.fstat(old).st_nlink > 1:
        return False
    handle, temporary = _temporary_beside(target)
    try:
        with os.fdopen(handle, "wb") as file:
            if not copy_access(old, file.fileno()):
                temporary.unlink()
                return False
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
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
    """Where the content of ``target`` from before is while the file itself is written, and after a crash in that."""
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
        _fill(old, before)  # its blocks are there already
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
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            copy.unlink()
            raise
    _sync_folder(copy.parent)


def _fill(descriptor: int, data: bytes) -> None:
    """Make ``data`` the whole content of an open file, once there is room for it."""
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
    os.fsync(descriptor)


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


def create_like(path: Path, data: bytes, model: Path) -> None:
    """Create the file ``path``, which those may read and write who may do so with ``model``, in the same folder.

    Raises:
        OSError: it cannot be created, or the owner of ``model`` could not read it; no file is left.
    """
    handle, temporary = _temporary_beside(path)
    try:
        with os.fdopen(handle, "wb") as file, open_regular(model, _MAX_BYTES) as like:
            if not share_like(like.fileno(), file.fileno()):
                raise OSError(
                    errno.EPERM, f"the owner of {model} could not read the new file; ask that user to run this command"
                )
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


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


def _temporary_beside(path: Path) -> tuple[int, Path]:
    """A new file of mode 0600 in the folder of ``path``, open for writing."""
    sweep(path.parent)
    temporary = path.with_name(temporary_name())
    handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(handle, 0o600)  # whatever the umask
    except BaseException:
        os.close(handle)
        temporary.unlink()
        raise
    return handle, temporary


def _sync_folder(folder: Path) -> None:
    # The change is done and visible; a file system that cannot sync folders (some network ones) is no failure.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
