"""The contract of a protocol module: it implements `Source` and fills a `Sink`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from nbrucio.core.files import FileEntry, Replica
from nbrucio.store.partial import Partial
from nbrucio.transfer.allowance import Allowance
from nbrucio.transfer.errors import NoParts, StoreError, TransientError, WrongBytes
from nbrucio.transfer.types import TransferLimits

#: Bytes per request of a protocol. Measured: larger is not faster, smaller costs more calls.
CHUNK_BYTES = 1 << 20


@contextmanager
def _store_errors() -> Iterator[None]:
    """Wrap `OSError` of the store, so that it is not taken for one of the storage."""
    try:
        yield
    except OSError as error:
        raise StoreError(error) from error


class Sink:
    """Receives a file's bytes from a protocol module and stops it.

    Serves one attempt at one replica. One thread calls `write` and `restart`; any thread may call `abort`.

    Args:
        entry: the file, as the catalogue describes it.
        partial: where its bytes go.
        limits: when an attempt counts as stalled.
        allowance: what this run may still download.
        on_bytes: called with the number of bytes after each write; negative after a restart.

    Attributes:
        etag: the version of the file that the bytes are from.
        end: the offset before which a request ends; None for the end of the file. A module sets it to None when the
            storage sends the whole file instead.
        received_bytes: bytes that arrived in this attempt, also those that were discarded.
    """

    def __init__(
        self,
        entry: FileEntry,
        partial: Partial,
        limits: TransferLimits,
        allowance: Allowance,
        on_bytes: Callable[[int], None],
    ) -> None:
        self.entry = entry
        self.partial = partial
        self.etag: str | None = None
        self.end: int | None = None
        self._limits = limits
        self._allowance = allowance
        self._on_bytes = on_bytes
        self._guard = threading.Lock()
        self._stop: Exception | None = None
        self._wakes: list[Callable[[], None]] = []
        self.received_bytes = 0
        self._since = time.monotonic()
        self._seen_bytes = 0

    @property
    def offset(self) -> int:
        """Bytes written so far, and so the offset of the next byte."""
        return self.partial.size_bytes

    @property
    def missing_bytes(self) -> int | None:
        """Bytes still missing; None when the catalogue does not know the size."""
        return None if self.entry.size_bytes is None else self.entry.size_bytes - self.offset

    def write(self, chunk: bytes | memoryview) -> None:
        """Append ``chunk``.

        Raises:
            WrongBytes: the file would exceed the catalogue's size; nothing is written.
            NoSpace: the download limit or the disk does not allow it; nothing is written.
            StoreError: the store failed.
            Stopped: the sink was aborted, with this or another error.
        """
        self.check()
        size_bytes, missing = len(chunk), self.missing_bytes
        if missing is not None and size_bytes > missing:
            raise WrongBytes(f"it sent more than {self.entry.size_bytes:,} bytes")
        if self.end is not None and self.offset + size_bytes > self.end:
            raise NoParts("it sent more bytes than requested")
        self.write_counted(chunk)
        self.count(size_bytes)

    def write_counted(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append ``chunk``, whose bytes were counted when they arrived. Raises the errors of `write`."""
        self._allowance.take(self.entry, len(chunk))
        try:
            self.partial.write(chunk)
        except OSError as error:  # not by `_store_errors`, which takes longer than the rest of this method
            raise StoreError(error) from error

    def count(self, size_bytes: int) -> None:
        """Count bytes that arrived; negative for bytes that were lost. Any thread may call it."""
        self.received_bytes += size_bytes
        self._on_bytes(size_bytes)

    def restart(self) -> None:
        """Discard all bytes: the source sends from the first byte."""
        if self.offset:
            lost = self.offset
            with _store_errors():
                self.partial.restart()
            self._on_bytes(-lost)

    def clone(self, source_fd: int) -> bool:
        """Clone the whole file from a descriptor; False, and nothing changed, where the file system cannot.

        Raises:
            NoSpace: the download limit or the disk does not allow it.
            StoreError: the store failed.
        """
        earlier_bytes = self.offset
        with _store_errors():
            if not self.partial.clone(source_fd, self.check):
                return False
        self._allowance.take(self.entry, self.offset)
        self.received_bytes += self.offset
        self._on_bytes(self.offset - earlier_bytes)
        return True

    def check(self) -> None:
        """Raise the error that this sink was aborted with, if it was."""
        if self._stop is not None:
            raise self._stop

    def on_abort(self, wake: Callable[[], None]) -> None:
        """Add a function that ends a blocking call of the module, which calls `check` after that call."""
        with self._guard:
            self._wakes.append(wake)
            stopped = self._stop is not None
        if stopped:
            wake()

    def off_abort(self, wake: Callable[[], None]) -> None:
        """Remove a function that was added by `on_abort`."""
        with self._guard:
            self._wakes.remove(wake)

    def abort(self, reason: Exception) -> None:
        """End the attempt with ``reason`` as soon as possible. Only the first reason counts."""
        with self._guard:
            if self._stop is not None:
                return
            self._stop = reason
            wakes = tuple(self._wakes)
        for wake in wakes:
            wake()

    def watch(self, now: float) -> None:
        """Abort the attempt if it stalled. The run calls this periodically; ``now`` is `time.monotonic`."""
        elapsed = now - self._since
        if elapsed < self._limits.stall_s:
            return
        recent_bytes = self.received_bytes - self._seen_bytes
        if recent_bytes < self._limits.stall_bytes_per_s * elapsed:
            self.abort(TransientError(f"the transfer stalled: {recent_bytes:,} bytes in {elapsed:.0f} s", host=True))
        self._since = now
        self._seen_bytes = self.received_bytes


class Source(Protocol):
    """One protocol, for the storage of one instance. Several threads call `read`."""

    def read(self, replica: Replica, sink: Sink) -> None:
        """Read the file of ``replica`` into ``sink``, from its ``offset`` if the storage can, else from the first byte.

        Returns when the storage reports the end of the file. The caller verifies the bytes.

        Raises:
            Attempt: a subclass of it, for any error of the storage or the network.
            Stopped: the sink was aborted.
            StoreError: the store failed.
        """

    def close(self) -> None:
        """Close connections. Idempotent."""
