"""A child that reads root:// and roots:// for `nbrucio.transfer.xrootd_children`, and what the two say to each other.

Orders are lines of JSON on stdin: the settings, then one line a file, with the credentials as they are then, or the
number of a file that is not needed any more. Answers are frames on stdout: a letter, the number of the file, the size
of the content, the content. Files are read at the same time, each in a thread. The child ends when stdin closes.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from nbrucio.core.files import Replica
from nbrucio.transfer.base import Sink
from nbrucio.transfer.errors import Attempt, PermanentError, Refused, Stopped, TransientError, Unreachable, WrongBytes
from nbrucio.transfer.parts import PartSink
from nbrucio.transfer.types import StorageAccess, TransferLimits
from nbrucio.transfer.xrootd import Xrootd

ENDED = "the process that reads over XRootD ended"
_HEAD = struct.Struct(">cII")
DATA, END, ERROR = b"d", b"e", b"x"
_KINDS: dict[str, type[Attempt]] = {
    kind.__name__: kind for kind in (PermanentError, Refused, TransientError, Unreachable, WrongBytes)
}


def settings(access: StorageAccess, limits: TransferLimits) -> bytes:
    """Return the line with what the child needs of ``access`` and ``limits`` for all files."""
    facts = {"discovers_token": access.discovers_token}
    return _line(facts | {"connect_s": limits.connect_s, "max_wait_s": limits.max_wait_s})


def order(number: int, pfn: str, sink: Sink | PartSink, proxy: Path | None, token: str | None) -> bytes:
    """Return the line that asks for the missing bytes of ``sink``, with these credentials; frames have ``number``."""
    shown = {"proxy": proxy and str(proxy), "token": token}
    place = {"offset": sink.offset, "end": sink.end, "size_bytes": sink.entry.size_bytes}
    return _line({"number": number, "pfn": pfn, "shown": shown} | place)


def finish(pfn: str) -> bytes:
    """Return the line after the last part of a file."""
    return _line({"finish": pfn})


def stop(number: int) -> bytes:
    """Return the line that ends a file."""
    return _line({"stop": number})


class Frame(NamedTuple):
    """An answer of the child: ``kind`` is `DATA`, `END` or `ERROR`."""

    kind: bytes
    number: int
    content: bytes

    def error(self) -> Attempt:
        """Return the error in a frame of the kind `ERROR`."""
        return _error(json.loads(self.content))


def received(frames: IO[bytes]) -> Iterator[Frame]:
    """Yield the child's frames until it ends."""
    while len(head := frames.read(_HEAD.size)) == _HEAD.size:
        kind, number, size_bytes = _HEAD.unpack(head)
        content = frames.read(size_bytes)
        if len(content) < size_bytes:
            return
        yield Frame(kind, number, content)


def _error(facts: dict[str, Any]) -> Attempt:
    kind = _KINDS[facts["kind"]]
    return TransientError(facts["cause"], host=facts["host"]) if kind is TransientError else kind(facts["cause"])


def _line(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"


class _SizedEntry(NamedTuple):
    size_bytes: int | None


class _Output:
    """The frames to the parent, and the numbers of files that it does not need any more. Thread-safe."""

    def __init__(self, out: IO[bytes]) -> None:
        self.stopped: set[int] = set()
        self._out = out
        self._guard = threading.Lock()

    def write(self, kind: bytes, number: int, content: bytes) -> None:
        with self._guard:
            self._out.write(_HEAD.pack(kind, number, len(content)))
            self._out.write(content)
            self._out.flush()


class _PipeSink:
    """The sink of `Xrootd.read` in a child; writes frames."""

    def __init__(self, out: _Output, number: int, offset: int, end: int | None, size_bytes: int | None) -> None:
        self.offset = offset
        self.end = end
        self.entry = _SizedEntry(size_bytes)
        self._out = out
        self._number = number

    def write(self, chunk: bytes) -> None:
        """Send ``chunk`` to the parent."""
        self._out.write(DATA, self._number, chunk)

    def check(self) -> None:
        """Raise `Stopped` when the parent does not need the file any more."""
        if self._number in self._out.stopped:
            raise Stopped


def main() -> None:
    """Be the child."""
    out = _Output(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    sources = _ChildSources(json.loads(sys.stdin.buffer.readline()))
    for line in sys.stdin.buffer:
        file = json.loads(line)
        if "stop" in file:
            out.stopped.add(file["stop"])
        elif "finish" in file:
            sources.finish(Replica("", file["finish"]))
        else:
            source = sources.showing(**file["shown"])
            threading.Thread(target=_serve, args=(source, out, file), daemon=True).start()
    os._exit(0)  # with the parent, also while a server is silent


def _serve(source: Xrootd, out: _Output, file: dict[str, Any]) -> None:
    number = file["number"]
    try:
        sink = _PipeSink(out, number, file["offset"], file["end"], file["size_bytes"])
        source.read(Replica("", file["pfn"]), cast(Sink, sink))
    except Stopped:
        return
    except Attempt as error:
        facts = {"kind": type(error).__name__, "cause": error.cause, "host": getattr(error, "host", False)}
        out.write(ERROR, number, json.dumps(facts).encode())
    else:
        out.write(END, number, b"")


class _ChildSources:
    """The sources of a child, one for each proxy and token: they are renewed in the middle of a run."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._limits = TransferLimits(connect_s=facts["connect_s"], max_wait_s=facts["max_wait_s"])
        self._discovers_token: bool = facts["discovers_token"]
        self._made: dict[tuple[str | None, str | None], Xrootd] = {}

    def finish(self, replica: Replica) -> None:
        """Close a file that was read in parts."""
        for source in self._made.values():
            source.finish(replica)

    def showing(self, proxy: str | None, token: str | None) -> Xrootd:
        """Return the source that shows these credentials."""
        if (proxy, token) not in self._made:
            path = None if proxy is None else Path(proxy)
            access = StorageAccess(proxy=path, token=token, discovers_token=self._discovers_token)
            self._made[proxy, token] = Xrootd(access, self._limits)
        return self._made[proxy, token]
