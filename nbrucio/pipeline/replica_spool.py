"""The replicas of many files, only a few of them in memory at a time.

A dataset of 100,000 files has some 200,000 replicas, each with a long URL. The plan reads the replicas of each file
once, and the transfers read them once more. Until then they are in an unnamed temporary file, which ends with the
process.
"""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.core.files import Replica
from nbrucio.errors import NoSpace

if TYPE_CHECKING:
    from nbrucio.core.plan import FileKey

#: So many files stay in memory: most notebooks need no file.
IN_MEMORY = 10_000
_BUFFER_BYTES = 1 << 20
#: A place in the file is one number: where a line begins, and how long it is.
_LENGTH_BITS = 28


class ReplicaSpool(Mapping["FileKey", "tuple[Replica, ...]"]):
    """Replicas by file. A requested file without an answer has none: ``()``. One thread writes, then one reads. Raises
    `NoSpace` if the temporary file cannot be written.
    """

    def __init__(self) -> None:
        self._memory: dict[FileKey, tuple[Replica, ...]] = {}
        self._places: dict[FileKey, int] = {}
        self._fd = -1
        self._written = 0
        self._buffer = bytearray()

    def expect(self, keys: Iterable[FileKey]) -> None:
        """Record that these files are requested; reading any other file raises `KeyError`."""
        for key in keys:
            self._places.setdefault(key, 0)

    def add(self, key: FileKey, replicas: tuple[Replica, ...]) -> None:
        """Record the replicas of a file."""
        if not replicas:
            self._places.setdefault(key, 0)
            return
        if len(self._memory) < IN_MEMORY:
            self._memory[key] = replicas
            return
        line = json.dumps(replicas).encode()
        self._places[key] = (self._written + len(self._buffer)) << _LENGTH_BITS | len(line)
        self._buffer += line
        if len(self._buffer) > _BUFFER_BYTES:
            self._flush()

    def without(self) -> Iterator[FileKey]:
        """Return the requested files that have no replica."""
        return (key for key, place in self._places.items() if not place and key not in self._memory)

    def __getitem__(self, key: FileKey) -> tuple[Replica, ...]:
        known = self._memory.get(key)
        if known is not None:
            return known
        place = self._places[key]
        if not place:
            return ()
        self._flush()
        line = os.pread(self._fd, place & (1 << _LENGTH_BITS) - 1, place >> _LENGTH_BITS)
        return tuple(Replica(*replica) for replica in json.loads(line))

    def __contains__(self, key: object) -> bool:
        return key in self._memory or key in self._places

    def __iter__(self) -> Iterator[FileKey]:
        yield from self._places
        yield from (key for key in self._memory if key not in self._places)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _flush(self) -> None:
        if not self._buffer:
            return
        from tempfile import gettempdir, mkstemp  # few runs have so many files

        data = bytes(self._buffer)
        self._buffer.clear()
        try:
            if self._fd < 0:
                self._fd, name = mkstemp(prefix="nbrucio-")
                weakref.finalize(self, os.close, self._fd)
                Path(name).unlink()
            while data:
                count = os.pwrite(self._fd, data, self._written)
                self._written += count
                data = data[count:]
        except OSError as error:
            folder = gettempdir()
            raise NoSpace(
                f"The list of replicas cannot be written to {folder}: {error.strerror}.",
                subject=folder,
                hint="Free some space there, or set TMPDIR to another folder.",
            ) from error
