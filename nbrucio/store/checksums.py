"""Checksums of a file's bytes: adler32 (Rucio's default, by the fastest library installed), SHA-256 and md5."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5, sha256
from typing import NamedTuple

from nbrucio.core.files import FileEntry
from nbrucio.store.fs import FileSystem


def wants_md5(entry: FileEntry) -> bool:
    """Whether md5 must be computed: only when the catalogue has no adler32, because md5 is slow and adds no safety."""
    return entry.adler32 is None and entry.md5 is not None


class Sums(NamedTuple):
    """Length in bytes and checksums of a file as lower-case hex digits; md5 only when requested."""

    size_bytes: int
    adler32: str
    sha256: str
    md5: str | None = None

    def mismatch(self, entry: FileEntry) -> str | None:
        """Describe how these bytes differ from ``entry``; None when everything that the catalogue knows agrees."""
        if entry.size_bytes is not None and self.size_bytes != entry.size_bytes:
            return f"{self.size_bytes} bytes instead of {entry.size_bytes}"
        if entry.adler32 is not None and self.adler32 != entry.adler32:
            return f"adler32 {self.adler32} instead of {entry.adler32}"
        if entry.md5 is not None and self.md5 is not None and self.md5 != entry.md5:
            return f"md5 {self.md5} instead of {entry.md5}"
        return None

    def proves(self, entry: FileEntry) -> bool:
        """Whether nothing contradicts ``entry`` and its checksum, if it has one, was compared."""
        compared = entry.adler32 is not None or entry.md5 is None or self.md5 is not None
        return compared and self.mismatch(entry) is None


#: Bytes per read when a file is summed again. Larger blocks were not faster.
BLOCK_BYTES = 1 << 20


class RunningSums:
    """Length and checksums of the bytes added so far."""

    def __init__(self, *, want_md5: bool) -> None:
        self.size_bytes = 0
        self._result: Sums | None = None
        self._adler32 = 1
        self._sha256 = sha256()
        self._md5 = md5(usedforsecurity=False) if want_md5 else None

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add ``chunk``."""
        self._adler32 = adler32(chunk, self._adler32)
        self._sha256.update(chunk)
        if self._md5 is not None:
            self._md5.update(chunk)
        self.size_bytes += len(chunk)
        self._result = None

    def result(self) -> Sums:
        """Return the sums of all bytes added so far."""
        if self._result is None:
            digest = self._md5.hexdigest() if self._md5 is not None else None
            self._result = Sums(self.size_bytes, f"{self._adler32:08x}", self._sha256.hexdigest(), digest)
        return self._result


def sum_file(fs: FileSystem, fd: int, *, want_md5: bool, before_block: Callable[[], None]) -> RunningSums:
    """Sum the whole file behind ``fd``. Calls ``before_block`` before each read; its exceptions stop the sum."""
    sums = RunningSums(want_md5=want_md5)
    buffer = memoryview(bytearray(BLOCK_BYTES))
    fs.seek(fd, 0)
    before_block()
    while count := fs.readinto(fd, buffer):
        sums.update(buffer[:count])
        before_block()
    return sums


try:
    # Vector instructions: 0.02 CPU seconds per GB instead of 0.34 with the standard library.
    from zlib_ng.zlib_ng import adler32
except ImportError:  # there is no wheel for some machines
    from zlib import adler32
