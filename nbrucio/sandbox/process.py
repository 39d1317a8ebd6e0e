"""Server processes that outlive the process that started them, and that any process can find again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_POLL_S = 0.02


@dataclass(frozen=True)
class Process:
    """A process that leads its own group.

    ``started`` distinguishes it from a later process with the same number.
    """

    pid: int
    started: str

    def alive(self) -> bool:
        found = _state_of(self.pid)
        if found is None or found.started != self.started:
            return False
        if found.ended:
            with suppress(ChildProcessError):
                # A finished child stays in the process table until its status is read.
                os.waitpid(self.pid, os.WNOHANG)
        return not found.ended

    def stop(self, patience_s: float = 5.0) -> None:
        """Terminate the process and its group; kill them after ``patience_s`` seconds. No-op when it has ended."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + patience_s
            while self.alive() and time.monotonic() < deadline:
                time.sleep(_POLL_S)
            # Check again just before: the number may belong to another process now.
            if self.alive():
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                while self.alive():
                    time.sleep(_POLL_S)
            self._end_group(time.monotonic() + patience_s)

    def _end_group(self, deadline: float) -> None:
        """Kill what is left of the group, and wait for its end: a worker that its server left holds the port."""
        with suppress(ProcessLookupError, PermissionError):  # no member is left; on macOS: only ended ones
            while time.monotonic() < deadline:
                os.killpg(self.pid, signal.SIGKILL)
                time.sleep(_POLL_S)


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path, inherit_fd: int) -> Process:
    """Start a process as the leader of a new session, with its output appended to ``log``.

    Uses ``posix_spawn`` because `subprocess.Popen` objects warn when they are dropped before their process ends.
    """
    os.set_inheritable(inherit_fd, True)
    pid = os.posix_spawn(
        command[0],
        list(command),
        dict(environment),
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    found = _state_of(pid)
    return Process(pid, found.started if found else "ended at once")


@dataclass(frozen=True)
class _ProcessState:
    """State of a process number: its start time as an opaque text, and whether it has ended."""

    started: str
    ended: bool


def _state_of(pid: int) -> _ProcessState | None:
    if Path("/proc/self/stat").exists():
        return _linux_state_of(pid)
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()  # noqa: S603 (no shell)
    return _ProcessState(" ".join(shown[1:]), shown[0].startswith("Z")) if shown else None


def _linux_state_of(pid: int) -> _ProcessState | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may contain spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], fields[19]
    return _ProcessState(f"{boot}:{ticks}", state in "ZX")
