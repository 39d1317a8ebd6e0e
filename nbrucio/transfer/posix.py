"""file://: files of a mounted file system."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from nbrucio.core.files import Replica
from nbrucio.transfer.base import CHUNK_BYTES, Sink
from nbrucio.transfer.errors import PermanentError, TransientError
from nbrucio.transfer.roots import Roots

_LOCAL = ("", "localhost")
#: Errors of a path, which trying again does not change; others, such as EIO of a network file system, may pass.
_LASTING = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO)


class Posix:
    """Reads ``file:///path`` and ``file://localhost/path``.

    The path is what Rucio wrote, without escapes. Links are followed, since storage is often laid out with them; what
    is at their end must be a regular file below one of ``roots``, so a FIFO or a device is refused without being read.
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots = Roots(roots)
        self._sharing_nothing: set[int] = set()  # devices whose files share no blocks with the store's

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `Source`."""
        path = local_path(replica.pfn)
        try:
            fd = self._roots.open(path)
        except (OSError, ValueError) as error:
            raise _fault(error) from error
        try:
            found = os.fstat(fd)
            # Where the file system shares blocks between files (btrfs, XFS) no byte is copied.
            if found.st_dev not in self._sharing_nothing:
                if sink.clone(fd):
                    return
                self._sharing_nothing.add(found.st_dev)
            _copy(fd, sink, found.st_size)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Nothing is kept open."""


class _Buffers(threading.local):
    """One buffer a thread: a new one for each of many small files would cost more than reading them."""

    buffer: memoryview | None = None

    def one(self) -> memoryview:
        if self.buffer is None:
            self.buffer = memoryview(bytearray(CHUNK_BYTES))
        return self.buffer


_buffers = _Buffers()


def local_path(pfn: str) -> str:
    """The path that a ``file://`` PFN names.

    Raises:
        PermanentError: it names another host.
    """
    rest = pfn.partition(":")[2]
    if not rest.startswith("//"):
        return rest
    host, slash, path = rest[2:].partition("/")
    if host.lower() not in _LOCAL:
        raise PermanentError(f"a file of another host ({host})")
    return slash + path


def _copy(fd: int, sink: Sink, size_bytes: int) -> None:
    buffer = _buffers.one()
    offset = sink.offset
    # What has the catalogue's length is not asked for more; of anything else the end is where nothing comes any more.
    while not (offset == size_bytes and sink.missing_bytes == 0):
        sink.check()
        try:
            count = os.preadv(fd, [buffer], offset)
        except OSError as error:
            raise _fault(error) from error
        if not count:
            return
        sink.write(buffer[:count])
        offset += count


def _fault(error: OSError | ValueError) -> PermanentError | TransientError:
    if isinstance(error, ValueError):
        return PermanentError("its path holds a NUL")
    cause = error.strerror or str(error)
    return PermanentError(cause) if error.errno in _LASTING else TransientError(cause)
