"""Finds out whether a replica can be read, without reading it."""

from __future__ import annotations

import threading

from nbrucio.core.files import FileEntry, Replica
from nbrucio.errors import MissingDependency
from nbrucio.transfer.allowance import Allowance
from nbrucio.transfer.base import Sink, Source
from nbrucio.transfer.errors import Attempt, Stopped, TransientError
from nbrucio.transfer.registry import Sources
from nbrucio.transfer.types import StorageAccess, TransferLimits

#: Seconds that a storage has to send one byte.
_LIMIT_S = 15.0


class _Arrived(Exception):
    """The first bytes arrived."""


class _LastByte(Sink):
    """Asks for the last byte of a file, as a download does that lacks only that, and ends with it."""

    def __init__(self, entry: FileEntry, limits: TransferLimits) -> None:
        # Nothing is written, so there is no partial file and no allowance for it.
        super().__init__(entry, None, limits, Allowance(None, 0, lambda: None), lambda _count: None)  # type: ignore[arg-type]
        self._place = max(0, (entry.size_bytes or 0) - 1)

    @property
    def offset(self) -> int:
        return self._place

    def write(self, chunk: bytes | memoryview) -> None:  # noqa: ARG002
        self.check()
        raise _Arrived

    def restart(self) -> None:
        self._place = 0


def why_unreadable(instance: str, entry: FileEntry, replica: Replica, access: StorageAccess) -> str | None:
    """Return why ``replica`` cannot be read ("not found (HTTP 404)"); None if its storage sends its last byte."""
    limits = TransferLimits()
    sources = Sources({instance: access}, limits)
    try:
        source = sources.source(instance, replica)
        return f"{replica.scheme} is not supported" if source is None else _why(source, entry, replica, limits)
    except MissingDependency as error:
        return error.message.rstrip(".")
    finally:
        sources.close()


def _why(source: Source, entry: FileEntry, replica: Replica, limits: TransferLimits) -> str | None:
    sink = _LastByte(entry, limits)
    timer = threading.Timer(_LIMIT_S, sink.abort, [TransientError(f"no answer within {_LIMIT_S:.0f} s")])
    timer.daemon = True
    timer.start()
    try:
        source.read(replica, sink)
    except _Arrived:
        return None
    except (Attempt, Stopped) as error:
        return str(error)
    finally:
        timer.cancel()
    return None if not entry.size_bytes else "it is empty"
