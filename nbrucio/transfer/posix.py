"""file://: files of a mounted file system."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from nbrucio.core.files import Replica
from nbrucio.disk.system_errors import shortage
from nbrucio.transfer.base import CHUNK_BYTES, Sink
from nbrucio.transfer.errors import PermanentError, Shortage, TransientError
from nbrucio.transfer.roots import Roots

_LOCAL = ("", "localhost")
#: Errors of a path that a retry cannot change. Others, such as EIO of a network file system, may be transient.
_PERMANENT = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO)


class Posix:
    """Reads ``file:///path`` and ``file://localhost/path``.

    The path is used as Rucio returns it, without decoding. Links are followed, because storage is often laid out with
    them. The final file must be a regular file below one of ``roots``; a FIFO or a device is rejected without being
    read.
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots = Roots(roots)
        self._cannot_clone: set[int] = set()  # device numbers of file systems that cannot clone into the store

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `Source.read`."""
        path = local_path(replica.pfn)
        try:
            fd = self._roots.open(path)
        except (OSError, ValueError) as error:
            raise _translated(error) from error
        try:
            found = os.fstat(fd)
            # File systems that share blocks between files (btrfs, XFS) copy no byte.
            if found.st_dev not in self._cannot_clone:
                if sink.clone(fd):
                    return
                self._cannot_clone.add(found.st_dev)
            _copy(fd, sink, found.st_size)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Do nothing: there are no connections."""


class _Buffers(threading.local):
    """One buffer per thread: allocating one for each small file would cost more than reading it."""

    buffer: memoryview | None = None

    def one(self) -> memoryview:
        if self.buffer is None:
            self.buffer = memoryview(bytearray(CHUNK_BYTES))
        return self.buffer


_buffers = _Buffers()


def local_path(pfn: str) -> str:
    """Return the path of a ``file://`` PFN.

    Raises:
        PermanentError: the PFN names another host.
    """
    rest = pfn.partition(":")[2]
    if not rest.startswith("//"):
        return rest
    host, slash, path = rest[2:].partition("/")
    if host.lower() not in _LOCAL:
        raise PermanentError(f"the file is on another host ({host})")
    return slash + path


def _copy(fd: int, sink: Sink, size_bytes: int) -> None:
    buffer = _buffers.one()
    offset = sink.offset
    # A file with the catalogue's size needs no further read; any other file ends with an empty read.
    while not (offset == size_bytes and sink.missing_bytes == 0):
        sink.check()
        try:
            count = os.preadv(fd, [buffer], offset)
        except OSError as error:
            raise _translated(error) from error
        if not count:
            return
        sink.write(buffer[:count])
        offset += count


def _translated(error: OSError | ValueError) -> PermanentError | TransientError:
    if isinstance(error, ValueError):
        return PermanentError("its path contains a NUL character")
    short = shortage(error)
    if short is not None:
        return Shortage(short)
    cause = error.strerror or str(error)
    return PermanentError(cause) if error.errno in _PERMANENT else TransientError(cause)
