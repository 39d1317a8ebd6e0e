"""Whether the configuration still says which Rucio instances are meant, as it did when a manifest was written.

A requirement without an instance means the default one, and a short name means a server, by configuration files. A
kernel cannot interpret these, so it compares a digest of the lines that decide it. Other settings, such as a mount or
a limit, leave the digest as it is.
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
    """By path, the digest of the lines of that file that decide; None for a file that cannot be read."""
    return {path: _digest_of(path) for path in paths}


def changed_config(recorded: Mapping[str, str | None]) -> str | None:
    """The first file that differs from these digests; None when none does.

    One that was there and cannot be read now is none: a kernel in a container may not see it.
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
    """Size, modification time and inode of each file; None for one that cannot be reached."""
    return tuple(map(_stat, paths))


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - called often, and a Path costs ten times as much
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
