"""A long line on loopback: a TCP proxy that adds latency, and caps each connection and all of them together.

    python -m benchmarks.line RTT_MS CONNECTION_MB_S SOURCE_MB_S PLACES SLOWS BRITTLE LISTEN:TARGET...   (0 for none)

Only the way from the storage is capped. Refusals and collapses of a storage that has too many connections can be added:
`Line.places` closes each further connection, `Line.slows` and `Line.brittle` slow all of them down. It is one process
on one core, so benchmarks print its own ceiling.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: Bytes that a direction holds besides those that are on their way.
_SPARE_BYTES = 1 << 20
_UNCAPPED_BYTES = 64 << 20
#: Seconds by which a source is planned in advance: a timer may be late, and what it misses would be lost.
_AHEAD_S = 0.02


@dataclass(frozen=True)
class Line:
    """The properties of a line.

    Attributes:
        rtt_ms: round-trip time.
        connection_mb_s: megabytes per second of each connection; 0 for no cap.
        source_mb_s: the same of all connections together.
        places: connections that are served; each further one is closed at once. 0 for all.
        slows: connections above which all together get less in proportion: half of ``source_mb_s`` for twice as many.
            0 for none.
        brittle: connections above which all together get a tenth of ``source_mb_s``. 0 for none.
    """

    rtt_ms: float = 0.0
    connection_mb_s: float = 0.0
    source_mb_s: float = 0.0
    places: int = 0
    slows: int = 0
    brittle: int = 0


class _Pace:
    """When the next bytes have passed, at so many bytes per second."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_s = 0.0

    def pass_s(self, now: float, size_bytes: int, slower: float = 1.0) -> float:
        if not self._bytes_per_s:
            return now
        self._free_s = max(self._free_s, now) + size_bytes * slower / self._bytes_per_s
        return self._free_s


class _Source:
    """The common limits of the connections to one target, which sends one piece after another."""

    def __init__(self, line: Line, port: int) -> None:
        self.line = line
        self.port = port
        self.open = 0
        self._pace = _Pace(line.source_mb_s * 1e6)
        self._waiting: deque[tuple[_Far, bytes]] = deque()
        self._is_sending = False

    def take(self, end: _Far, data: bytes) -> None:
        """Send ``data`` of ``end`` when what came before it was sent."""
        self._waiting.append((end, data))
        if not self._is_sending:
            self._send()

    def _send(self) -> None:
        """Send what can be sent now, without that of connections which were closed meanwhile."""
        loop, self._is_sending = asyncio.get_running_loop(), False
        while self._waiting:
            end, data = self._waiting.popleft()
            if not end.is_wanted():
                continue
            sent_s = self._pace.pass_s(loop.time(), len(data), self._slower())
            end.sent(sent_s, data)
            if sent_s > loop.time() + _AHEAD_S:
                self._is_sending = True
                loop.call_at(sent_s - _AHEAD_S / 2, self._send)
                return

    def _slower(self) -> float:
        if self.line.brittle and self.open > self.line.brittle:
            return 10.0
        return max(1.0, self.open / self.line.slows) if self.line.slows else 1.0


class _End(asyncio.Protocol):
    """One end of a connection. What it receives leaves at the other end, later."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._delay_s = source.line.rtt_ms / 2000
        self._limit = _UNCAPPED_BYTES
        self._queue: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self.is_writable = True
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(_SPARE_BYTES)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._count(len(data))
        self._hold(asyncio.get_running_loop().time() + self._delay_s, data)

    def eof_received(self) -> bool:
        self._hold(asyncio.get_running_loop().time() + self._delay_s, b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._hold(asyncio.get_running_loop().time() + self._delay_s, b"")

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.is_writable = False

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.is_writable = True
            self.other.send()

    def _count(self, size_bytes: int) -> None:
        """Read no more while this end holds too much."""
        self._held_bytes += size_bytes
        if self._held_bytes > self._limit and self.transport is not None:
            self.transport.pause_reading()

    def _hold(self, due: float, data: bytes) -> None:
        if self._queue:
            due = max(due, self._queue[-1][0])
        self._queue.append((due, data))
        if self._timer is None:
            self.send()

    def send(self) -> None:
        """Pass on what is due, and come back for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._queue and self.is_writable and self.other is not None and self.other.transport is not None:
            due, data = self._queue[0]
            if due > loop.time() + 0.0005:
                self._timer = loop.call_at(due, self.send)
                return
            self._queue.popleft()
            if data and not self.other.transport.is_closing():
                self.other.transport.write(data)
            else:
                self.other.transport.close()
            self._release(len(data))

    def _release(self, size_bytes: int) -> None:
        was_full, self._held_bytes = self._held_bytes > self._limit, self._held_bytes - size_bytes
        if was_full and self._held_bytes <= self._limit and self.transport is not None:
            self.transport.resume_reading()


class _Far(_End):
    """The end at the storage, which is capped."""

    def __init__(self, source: _Source) -> None:
        super().__init__(source)
        bytes_per_s = source.line.connection_mb_s * 1e6
        self._pace = _Pace(bytes_per_s)
        if bytes_per_s:
            self._limit = int(bytes_per_s * 2 * self._delay_s) + _SPARE_BYTES

    def data_received(self, data: bytes) -> None:
        self._count(len(data))
        self._source.take(self, data)

    def eof_received(self) -> bool:
        self._source.take(self, b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._source.take(self, b"")

    def is_wanted(self) -> bool:
        """Whether the client's end is still there."""
        return self.other is not None and self.other.transport is not None and not self.other.transport.is_closing()

    def sent(self, when_s: float, data: bytes) -> None:
        """Pass on ``data``, which the storage has sent at ``when_s``."""
        capped_s = self._pace.pass_s(asyncio.get_running_loop().time(), len(data))
        self._hold(max(when_s, capped_s) + self._delay_s, data)


class _Near(_End):
    """The end at the client, which opens the other one after the time that TCP's handshake takes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._source.open += 1
        if self._source.line.places and self._source.open > self._source.line.places:
            transport.close()
            return
        self._task = asyncio.ensure_future(self._connect())

    def connection_lost(self, exc: Exception | None) -> None:
        self._source.open -= 1
        super().connection_lost(exc)

    async def _connect(self) -> None:
        await asyncio.sleep(2 * self._delay_s)
        far = _Far(self._source)
        far.other = self
        try:
            await asyncio.get_running_loop().create_connection(lambda: far, "127.0.0.1", self._source.port)
        except OSError:
            if self.transport is not None:
                self.transport.close()
            return
        self.other = far
        self.send()


@contextmanager
def opened(line: Line, ports: dict[int, int]) -> Iterator[None]:
    """Serve ``line`` in a process of its own.

    Args:
        ports: where it listens, and the port of the storage behind that.
    """
    numbers = (line.rtt_ms, line.connection_mb_s, line.source_mb_s, line.places, line.slows, line.brittle)
    pairs = (f"{listen}:{target}" for listen, target in ports.items())
    command = [sys.executable, "-m", "benchmarks.line", *map(str, numbers), *pairs]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError("The proxy did not start.")
        yield
    finally:
        process.kill()
        process.wait()


async def _serve(line: Line, ports: dict[int, int]) -> None:
    loop = asyncio.get_running_loop()
    for listen, target in ports.items():
        source = _Source(line, target)
        await loop.create_server(lambda source=source: _Near(source), "127.0.0.1", listen, backlog=1000)  # type: ignore[misc]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)  # ends with the program that started it


def main() -> None:
    rtt_ms, connection, source, places, slows, brittle, *pairs = sys.argv[1:]
    line = Line(float(rtt_ms), float(connection), float(source), int(places), int(slows), int(brittle))
    asyncio.run(_serve(line, {int(a): int(b) for a, _, b in (pair.partition(":") for pair in pairs)}))


if __name__ == "__main__":
    main()
