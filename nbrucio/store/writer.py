"""Who writes a partial file, so that another process can tell whether that writer still lives."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path

_NAME = re.compile(
    r"(?P<key>[0-9a-f]{64})\.(?P<place>[0-9a-f]{16})\.(?P<pid>\d+)\.(?P<start>\d+)\.(?P<turn>\d+)\.part\Z"
)
_turns = count()


@dataclass(frozen=True)
class Writer:
    """One process that writes partial files.

    Attributes:
        place: 16 hex digits for host, boot and process-number space: only there do process numbers mean anything.
        pid: its process number.
        start: when it started, in the kernel's ticks, so that a reused number is not taken for it; 0 where unknown.
    """

    place: str
    pid: int
    start: int

    def partial_name(self, key: str) -> str:
        """A file name for the object ``key`` that no other partial has."""
        return f"{key}.{self.place}.{self.pid}.{self.start}.{next(_turns)}.part"

    def is_dead(self) -> bool:
        """Whether this writer certainly runs no more. False when that cannot be known from here."""
        return self.place == _place() and self.start != _start_of(self.pid)


def this_writer() -> Writer:
    """The writer that this process is; also right in a child after a fork."""
    return _writer(os.getpid())


@cache
def _writer(pid: int) -> Writer:
    return Writer(_place(), pid, _start_of(pid) or 0)


def parse_partial_name(name: str) -> tuple[str, Writer] | None:
    """Object key and writer of a partial's file name; None when it is no partial."""
    match = _NAME.match(name)
    if match is None:
        return None
    return match["key"], Writer(match["place"], int(match["pid"]), int(match["start"]))


@cache
def _place() -> str:
    parts = [socket.gethostname(), _read("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid")]
    return sha256("\0".join(parts).encode()).hexdigest()[:16]


def _start_of(pid: int) -> int | None:
    """Start time of a running process; 0 where the system does not tell; None when no such process runs."""
    if not Path("/proc/self/stat").exists():
        return 0 if _runs(pid) else None
    # The command's name, in parentheses, may itself hold spaces and parentheses: count fields from the last one.
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if not fields or fields[0] in "ZX":
        return None
    return int(fields[19])


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
