"""A large file over several connections: ranges ahead of the first missing byte wait in memory for their turn.

The job's own thread writes the file in order, so that its partial file is always a prefix of it, summed in one pass. A
killed download resumes as any other, and downloads again only what was in memory. Threads without a file of their own
help: each reads one part, then asks the scheduler again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from nbrucio.core.files import FileEntry, Replica
from nbrucio.transfer.base import Sink
from nbrucio.transfer.errors import NoParts, TransientError
from nbrucio.transfer.spans import Span, SpanPlan

#: Parts of which a file has at least so many to be read in parts.
_LEAST_PARTS = 8
#: Parts in one request while nobody helps: each request costs a round trip.
_ALONE_PARTS = 8
#: Largest number of parts in memory, of all files of a run.
MOST_PARTS = 16
#: Parts that may fail before a file is not helped with any more.
_FAILURES = 3
_POLL_S = 0.2


class PartSink:
    """Receives one part into memory. Has what a protocol module uses of a `Sink`."""

    def __init__(self, sink: Sink, span: Span, etag: str | None, buffer: bytearray) -> None:
        self.entry: FileEntry = sink.entry
        self.end: int | None = span.end
        self.etag = etag
        self.buffer = buffer
        self._size_bytes = 0
        self._span = span
        self._sink = sink

    @property
    def offset(self) -> int:
        """Offset of the next byte in the file."""
        return self._span.start + self._size_bytes

    @property
    def content(self) -> memoryview:
        """The bytes that arrived."""
        return memoryview(self.buffer)[: self._size_bytes]

    @property
    def missing_bytes(self) -> int | None:
        """Bytes of the part that are still missing."""
        return self._span.end - self.offset

    def write(self, chunk: bytes | memoryview) -> None:
        """Append ``chunk``."""
        self._sink.check()
        if self.offset + len(chunk) > self._span.end:
            raise NoParts("it sent more bytes than requested")
        end = self._size_bytes + len(chunk)
        self.buffer[self._size_bytes : end] = chunk
        self._size_bytes = end
        self._sink.count(len(chunk))

    def restart(self) -> None:
        """Refuse a response with the whole file."""
        raise NoParts("it sends whole files only")

    def check(self) -> None:
        """See `Sink.check`."""
        self._sink.check()

    def on_abort(self, wake: Callable[[], None]) -> None:
        """See `Sink.on_abort`."""
        self._sink.on_abort(wake)

    def off_abort(self, wake: Callable[[], None]) -> None:
        """See `Sink.off_abort`."""
        self._sink.off_abort(wake)

    def discard(self) -> None:
        """Count the bytes as lost."""
        self._sink.count(-self._size_bytes)


@runtime_checkable
class PartSource(Protocol):
    """A `Source` that reads parts, and whose `read` ends at the sink's ``end``."""

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `Source.read`."""

    def read_part(self, replica: Replica, part: PartSink) -> None:
        """Read a part of the file of ``replica``. Raises the errors of `Source.read`."""

    def finish(self, replica: Replica) -> None:
        """Close whatever stayed open for the next part of the file of ``replica``."""


class Helpers(Protocol):
    """The scheduler, which sends threads to help."""

    def offer(self, parts: PartedFile) -> None:
        """Let threads without a file of their own call ``parts.help``."""

    def withdraw(self, parts: PartedFile) -> None:
        """Send no more threads to ``parts``."""

    def has_slot(self, host: str) -> bool:
        """Whether one more request may be sent to ``host`` now, and no file waits for it."""

    def wake(self) -> None:
        """Send a waiting thread, if one is of use."""

    def is_overloaded(self, host: str) -> bool:
        """Ask ``host`` for less at a time after it refused a request; False where it is asked for nothing else."""


class PartMemory:
    """The buffers for parts, of all files of a run. Reused, because freed ones stay with the process. Thread-safe."""

    def __init__(self, part_bytes: int) -> None:
        self.part_bytes = part_bytes
        self._left = MOST_PARTS
        self._free: list[bytearray] = []
        self._guard = threading.Lock()

    def is_worth(self, size_bytes: int | None) -> bool:
        """Whether a file, or the rest of one, is worth reading in parts."""
        return size_bytes is not None and size_bytes >= _LEAST_PARTS * self.part_bytes

    def is_free(self) -> bool:
        """Whether there is a buffer for one more."""
        return bool(self._free or self._left)

    def take(self) -> bytearray | None:
        """Return a buffer; None when all are in use."""
        with self._guard:
            if self._free:
                return self._free.pop()
            if not self._left:
                return None
            self._left -= 1
        return bytearray(self.part_bytes)

    def release(self, buffer: bytearray) -> None:
        """Take a buffer back."""
        with self._guard:
            self._free.append(buffer)


class PartedFile:
    """One attempt to read a large file in parts. Thread-safe.

    Args:
        host: the file's host.
        sink: where the file goes.
        helpers: gets this object while help is welcome.
        memory: shared by the files of a run.
    """

    def __init__(self, host: str, sink: Sink, helpers: Helpers, memory: PartMemory) -> None:
        self.host = host
        self._sink = sink
        self._helpers = helpers
        self._memory = memory
        self._changed = threading.Condition()
        self._read: Callable[[PartSink], None] | None = None
        self._plan = SpanPlan(0, 0)
        self._ready: dict[int, PartSink] = {}
        self._running = 0
        self._failures = 0

    def read(self, read_front: Callable[[], None], read_part: Callable[[PartSink], None]) -> None:
        """Read the file from the sink's offset to its end, or to where the storage sends no more parts.

        Args:
            read_front: reads from the sink's offset to its ``end`` into the sink.
            read_part: reads a part.

        Raises:
            Attempt, Stopped, StoreError: see `Source.read`.
        """
        size_bytes = self._sink.entry.size_bytes
        assert size_bytes is not None
        self._plan = SpanPlan(self._sink.offset, size_bytes)
        try:
            while self._sink.offset < size_bytes:
                self._step(read_front)
                if self._sink.end is None:
                    return
                if self._read is None:
                    self._read = read_part  # the storage has shown that it sends ranges
                    self._helpers.offer(self)
        finally:
            self._close()

    def has_rest(self) -> bool:
        """Whether other connections could read parts of this file."""
        return self._plan.first is not None and self._failures < _FAILURES

    def wants_help(self) -> bool:
        """Whether another connection could read a part now."""
        return self.has_rest() and self._memory.is_free()

    def help(self) -> None:
        """Read one part, if there is one to read and memory for it. Never raises."""
        buffer = self._memory.take()
        if buffer is None:
            return
        with self._changed:
            span = self._plan.give(self._memory.part_bytes) if self.has_rest() else None
            if span is not None:
                self._running += 1
        if span is None:
            self._memory.release(buffer)
            return
        part = PartSink(self._sink, span, self._sink.etag, buffer)
        try:
            assert self._read is not None
            self._read(part)
            if part.offset < span.end:
                raise TransientError("the connection ended early")
        except Exception as error:  # noqa: BLE001 the job's own thread reads this part, and raises what it meets
            self._give_up(part, span, error)
        else:
            with self._changed:
                self._running -= 1
                self._ready[span.start] = part
                self._changed.notify_all()

    def _give_up(self, part: PartSink, span: Span, error: Exception) -> None:
        part.discard()
        self._memory.release(part.buffer)
        is_busy = isinstance(error, TransientError) and error.busy and self._helpers.is_overloaded(self.host)
        with self._changed:
            self._running -= 1
            if not is_busy:
                self._failures = _FAILURES if isinstance(error, NoParts) else self._failures + 1
            self._plan.take_back(span)
            self._changed.notify_all()

    def _step(self, read_front: Callable[[], None]) -> None:
        """Write the part at the sink's offset, read it, or wait for who reads it."""
        front = self._sink.offset
        with self._changed:
            part = self._ready.pop(front, None)
            if part is None and self._plan.first != front:
                self._changed.wait(_POLL_S)
                self._sink.check()
                return
            span = None if part is not None else self._plan.give(self._front_bytes())
        if part is not None:
            self._sink.write_counted(part.content)
            self._memory.release(part.buffer)
            self._helpers.wake()
            return
        assert span is not None
        self._sink.end = span.end
        read_front()
        with self._changed:
            if self._sink.offset == front:
                raise NoParts("it sent no bytes of the file")
            self._plan.take_back(Span(self._sink.offset, span.end))

    def _front_bytes(self) -> int:
        """Return the size of the next request at the front: a part at first, and while others help."""
        is_shared = self._read is None or self._running or self._helpers.has_slot(self.host)
        return self._memory.part_bytes * (1 if is_shared else _ALONE_PARTS)

    def _close(self) -> None:
        """End the help: wait until no thread reads a part, and drop the parts."""
        self._helpers.withdraw(self)
        with self._changed:
            self._failures = _FAILURES
            self._plan = SpanPlan(0, 0)
            while self._running:
                self._changed.wait(_POLL_S)
            left, self._ready = self._ready, {}
        for part in left.values():
            part.discard()
            self._memory.release(part.buffer)
