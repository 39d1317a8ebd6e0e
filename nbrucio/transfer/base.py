"""What a protocol module is given, and what it must do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from nbrucio.core.files import FileEntry, Replica
from nbrucio.store.partial import Partial
from nbrucio.transfer.allowance import Allowance
from nbrucio.transfer.errors import StoreFault, TransientError, WrongBytes
from nbrucio.transfer.types import TransferLimits

#: How many bytes a protocol asks for at once; measured: larger is no faster, smaller costs more calls.
CHUNK_BYTES = 1 << 20


@contextmanager
def _store_errors() -> Iterator[None]:
    """Keep the store's errors apart from those of the storage, which are `OSError` too."""
    try:
        yield
    except OSError as error:
        raise StoreFault(error) from error


class Sink:
    """Where a protocol module puts a file's bytes, and where it learns that it must stop.

    One attempt at one replica. `write` and `restart` are called by one thread; `abort` by any.
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
        self._limits = limits
        self._allowance = allowance
        self._on_bytes = on_bytes
        self._guard = threading.Lock()
        self._stop: Exception | None = None
        self._wake: Callable[[], None] | None = None
        self._since = time.monotonic()
        self._recent_bytes = 0

    @property
    def offset(self) -> int:
        """Bytes that are here already; the next one to be written has this place in the file."""
        return self.partial.size_bytes

    @property
    def missing_bytes(self) -> int | None:
        """Bytes still to come; None when the catalogue does not know the length."""
        return None if self.entry.size_bytes is None else self.entry.size_bytes - self.offset

    def write(self, chunk: bytes | memoryview) -> None:
        """Take the next bytes.

        Raises:
            WrongBytes: there are more than the catalogue says; they are not written.
            NoSpace: they are more than this run may download, or the disk may hold; they are not written.
            StoreFault: the store failed.
        """
        self.check()
        size_bytes, missing = len(chunk), self.missing_bytes
        if missing is not None and size_bytes > missing:
            raise WrongBytes(f"more than {self.entry.size_bytes} bytes")
        self._allowance.take(self.entry, size_bytes)
        try:
            self.partial.write(chunk)
        except OSError as error:  # not by `_store_faults`, which takes longer than the rest of this
            raise StoreFault(error) from error
        self._recent_bytes += size_bytes
        self._on_bytes(size_bytes)

    def restart(self) -> None:
        """The source sends from the first byte: forget what is here."""
        if self.offset:
            lost = self.offset
            with _store_errors():
                self.partial.restart()
            self._on_bytes(-lost)

    def clone(self, source_fd: int) -> bool:
        """Take the whole file at once from a descriptor; False, and nothing changed, where that cannot be done.

        Raises:
            NoSpace: the file is more than this run may download, or the disk may hold.
            StoreFault: the store failed.
        """
        had = self.offset
        with _store_errors():
            if not self.partial.clone(source_fd, self.check):
                return False
        self._allowance.take(self.entry, self.offset)
        self._recent_bytes += self.offset
        self._on_bytes(self.offset - had)
        return True

    def check(self) -> None:
        """Raise what this sink was aborted with, if it was."""
        if self._stop is not None:
            raise self._stop

    def on_abort(self, wake: Callable[[], None] | None) -> None:
        """``wake`` ends a call that blocks now; the module calls `check` after it."""
        with self._guard:
            self._wake = wake
            stopped = self._stop is not None
        if stopped and wake is not None:
            wake()

    def abort(self, reason: Exception) -> None:
        """Make the attempt end with ``reason`` as soon as it can."""
        with self._guard:
            if self._stop is not None:
                return
            self._stop = reason
            wake = self._wake
        if wake is not None:
            wake()

    def watch(self, now: float) -> None:
        """Abort this attempt if it stalled; called every now and then by the run."""
        elapsed = now - self._since
        if elapsed < self._limits.stall_s:
            return
        if self._recent_bytes < self._limits.stall_bytes_per_s * elapsed:
            self.abort(TransientError(f"stalled: {self._recent_bytes} bytes in {elapsed:.0f} s", host=True))
        self._since = now
        self._recent_bytes = 0


class Source(Protocol):
    """One protocol, for one instance's storage. `read` is called from several threads."""

    def read(self, replica: Replica, sink: Sink) -> None:
        """Put the file's bytes into ``sink``, from its ``offset`` on if the storage can, else from the first.

        Returns when the storage says that the file is complete; whether it is right is judged by the caller.

        Raises:
            Attempt: in its kinds, for whatever the storage or the network does.
            Stopped: the sink was aborted.
            StoreFault: the store failed.
        """

    def close(self) -> None:
        """Give back connections. Idempotent."""
