"""A child that reads root:// and roots:// for `nbrucio.transfer.xrootd_children`, and what the two say to each other.

Orders are lines of JSON on stdin: the settings, then one line a file. Answers are frames on stdout: a letter, the size
of the content, the content. The child ends when stdin closes.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from nbrucio.core.files import Replica
from nbrucio.transfer.base import Sink
from nbrucio.transfer.errors import Attempt, PermanentError, Refused, TransientError, Unreachable
from nbrucio.transfer.types import StorageAccess, TransferLimits
from nbrucio.transfer.xrootd import Xrootd

ENDED = "the process that reads over XRootD ended"
_HEAD = struct.Struct(">cI")
_DATA, _END, _ERROR = b"d", b"e", b"x"
_KINDS: dict[str, type[Attempt]] = {
    kind.__name__: kind for kind in (PermanentError, Refused, TransientError, Unreachable)
}


def settings(access: StorageAccess, limits: TransferLimits) -> bytes:
    """Return the line with what the child needs of ``access`` and ``limits``."""
    facts: dict[str, object] = {
        name: path and str(path) for name, path in (("proxy", access.proxy), ("key", access.key))
    }
    facts |= {"token": access.token, "discovers_token": access.discovers_token}
    return _line(facts | {"connect_s": limits.connect_s, "max_wait_s": limits.max_wait_s})


def order(pfn: str, offset: int, size_bytes: int | None) -> bytes:
    """Return the line that asks for a file."""
    return _line({"pfn": pfn, "offset": offset, "size_bytes": size_bytes})


def received(frames: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file from the child's frames.

    Raises:
        Attempt: the child's error; a `TransientError` when it ended.
    """
    while True:
        head = frames.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise TransientError(ENDED)
        kind, size_bytes = _HEAD.unpack(head)
        content = frames.read(size_bytes)
        if len(content) < size_bytes:
            raise TransientError(ENDED)
        if kind == _END:
            return
        if kind == _ERROR:
            raise _error(json.loads(content))
        yield content


def _error(facts: dict[str, Any]) -> Attempt:
    kind = _KINDS[facts["kind"]]
    return TransientError(facts["cause"], host=facts["host"]) if kind is TransientError else kind(facts["cause"])


def _line(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"


class _SizedEntry(NamedTuple):
    size_bytes: int | None


class _PipeSink:
    """The sink of `Xrootd.read` in a child; writes frames."""

    def __init__(self, out: IO[bytes], offset: int, size_bytes: int | None) -> None:
        self.offset = offset
        self.entry = _SizedEntry(size_bytes)
        self._out = out

    def write(self, chunk: bytes) -> None:
        """Send ``chunk`` to the parent."""
        _write(self._out, _DATA, chunk)

    def check(self) -> None:
        """Do nothing: the parent kills this process to abort."""


def main() -> None:
    """Be the child."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_pass_on, args=(sys.stdin.buffer, lines), daemon=True).start()
    source = _source(json.loads(lines.get()))
    while True:
        file = json.loads(lines.get())
        try:
            sink = _PipeSink(out, file["offset"], file["size_bytes"])
            source.read(Replica("", file["pfn"]), cast(Sink, sink))
        except Attempt as error:
            facts = {"kind": type(error).__name__, "cause": error.cause, "host": getattr(error, "host", False)}
            _write(out, _ERROR, json.dumps(facts).encode())
        else:
            _write(out, _END, b"")


def _source(facts: dict[str, Any]) -> Xrootd:
    limits = TransferLimits(connect_s=facts["connect_s"], max_wait_s=facts["max_wait_s"])
    proxy = None if facts["proxy"] is None else Path(facts["proxy"])
    access = StorageAccess(proxy=proxy, token=facts["token"], discovers_token=facts["discovers_token"])
    return Xrootd(access, limits)


def _pass_on(source: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Read the parent's lines, and end with it, also while a server is silent."""
    for line in source:
        lines.put(line)
    os._exit(0)


def _write(out: IO[bytes], kind: bytes, content: bytes) -> None:
    out.write(_HEAD.pack(kind, len(content)))
    out.write(content)
    out.flush()
