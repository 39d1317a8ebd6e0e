"""Detects changes of the configured Rucio instances since a manifest was written.

Configuration files define the default instance and the short names of servers. A kernel cannot interpret them, so it
compares a digest of the relevant lines. Other settings, such as a mount or a limit, do not change the digest.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping

from .manifest import read_regular

#: A configuration file has a few kB.
_MAX_BYTES = 1 << 20
#: The keys of both formats by which an instance is chosen, named and addressed, and the tables of config.toml.
_DECIDES = re.compile(rb"\b(default_instance|instances|host|rucio_host|vo|identity|aliases)\b")
_IGNORED = re.compile(rb"\s*#|.*\bmounts\b")


def digests_of(paths: Iterable[str]) -> dict[str, str | None]:
    """Return by path the digest of the relevant lines of each file; None for an unreadable file."""
    return {path: _digest_of(path) for path in paths}


def changed_config(recorded: Mapping[str, str | None]) -> str | None:
    """Return the first file that differs from these digests; None without one. A file that cannot be read any more does
    not count: a kernel in a container may have no access to it.
    """
    now = digests_of(recorded)
    return next((path for path in recorded if now[path] not in (None, recorded[path])), None)


def _digest_of(path: str) -> str | None:
    try:
        lines = read_regular(path, _MAX_BYTES).splitlines()
    except (OSError, ValueError):
        return None
    deciding = [line.strip() for line in lines if _DECIDES.search(line) and not _IGNORED.match(line)]
    return hashlib.sha256(b"\n".join(deciding)).hexdigest()


def stamp_of(paths: Iterable[str]) -> tuple[tuple[int, int, int] | None, ...]:
    """Return size, modification time and inode of each file; None for an inaccessible one."""
    return tuple(map(_stat, paths))


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - called often, and a Path costs ten times as much
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
