"""Read the access logs of the sandbox's servers; tests count requests by them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_QUIET_S = 0.15
_POLL_S = 0.03


@dataclass(frozen=True)
class LoggedRequest:
    """One answered request. ``path`` is as it was sent, with its query; ``size_bytes`` is that of the answer's body."""

    method: str
    path: str
    status: int
    size_bytes: int
    agent: str


def read_requests(log: Path, start: int = 0) -> list[LoggedRequest]:
    """The requests in ``log`` from this byte on, in the order in which their answers were complete."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(start)
        return [_request(line) for line in file.read().decode("utf-8", errors="replace").splitlines()]


@contextmanager
def new_requests(log: Path) -> Iterator[list[LoggedRequest]]:
    """A list that holds, after the block, the requests that came while it ran.

    A server writes the line after the client has its answer, so both ends of the block wait until the log is still.
    """
    start = _settled_size(log)
    requests: list[LoggedRequest] = []
    yield requests
    _settled_size(log)
    requests += read_requests(log, start)


def _settled_size(log: Path) -> int:
    size, since = _size(log), time.monotonic()
    while time.monotonic() - since < _QUIET_S:
        time.sleep(_POLL_S)
        if (now := _size(log)) != size:
            size, since = now, time.monotonic()
    return size


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _request(line: str) -> LoggedRequest:
    method, path, _protocol, status, size, _microseconds, agent = line.split(" ", 6)
    return LoggedRequest(method, path, int(status), int(size.replace("-", "0")), agent.strip('"'))
