"""The bytes that a user has downloaded in this session, in all of its processes, for ``max_session``.

A session lasts as long as its runtime folder: in a container that of the session, elsewhere usually a login. Each line
of the file is one amount with its time; lines older than a day do not count, for folders that stay longer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nbrucio.disk.read import read_file
from nbrucio.kernel.where import make_private, runtime_folder

_DAY_S = 24 * 3600
_MAX_BYTES = 1 << 24
#: Bytes after which a running download is recorded, so that other syncs of the session know of it.
STEP_BYTES = 64_000_000


class SessionDownloads:
    """The file of this session's downloads. Several processes may write it."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._path: Path = runtime_folder(environ) / "downloaded"

    def used_bytes(self) -> int:
        """Return the bytes of the last day; lines that cannot be read count nothing."""
        try:
            lines = read_file(self._path, _MAX_BYTES, follow=False).split(b"\n")
        except OSError:
            return 0
        begin, total = time.time() - _DAY_S, 0
        for line in lines:
            with suppress(ValueError):
                when, size = map(int, line.split())
                total += size if when > begin else 0
        return max(0, total)

    def add(self, size_bytes: int) -> None:
        """Record downloaded bytes, or negative ones that a retry discarded. A full disk never ends a download."""
        with suppress(OSError):
            make_private(self._path.parent)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, f"{int(time.time())} {size_bytes}\n".encode())  # atomic: one short line
            finally:
                os.close(descriptor)
