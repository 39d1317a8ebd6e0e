"""The identity of a process, unique across machines and reboots."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path


def this_process() -> tuple[str, int, int]:
    """Return place, number and start time of this process; correct in a child after a fork.

    The place is 16 hex digits for host, boot and PID namespace; process numbers are unique only within it. The start
    time is in clock ticks since boot (field 22 of ``/proc/PID/stat``, proc(5)), 0 on systems without it; a later
    process with the same number has another one.
    """
    pid = os.getpid()
    return place_here(), pid, start_of(pid) or 0


def is_dead(place: str, pid: int, start: int) -> bool:
    """Return whether that process has ended. False if it runs or if this machine cannot know."""
    return place == place_here() and start != start_of(pid)


def place_here() -> str:
    """Return the place of this process, see `this_process`."""
    parts = [os.uname().nodename, _read("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid")]
    return sha256("\0".join(parts).encode()).hexdigest()[:16]


def start_of(pid: int) -> int | None:
    """Return the start time of a process, see `this_process`; None if the process does not run."""
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
