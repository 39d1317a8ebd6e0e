"""Reads the access logs of the sandbox's servers, by which tests count requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: The server under load writes a line this late, in seconds.
_QUIET_S = 0.25
_POLL_S = 0.03


@dataclass(frozen=True)
class LoggedRequest:
    """One completed request. ``path`` includes the query; ``size_bytes`` is the size of the response's body."""

    method: str
    path: str
    status: int
    size_bytes: int
    agent: str


def read_requests(log: Path, start: int = 0) -> list[LoggedRequest]:
    """Return the requests in ``log`` from this byte on, in the order in which their responses were complete."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(start)
        return [_request(line) for line in file.read().decode("utf-8", errors="replace").splitlines()]


@contextmanager
def new_requests(log: Path) -> Iterator[list[LoggedRequest]]:
    """Provide a list that contains, after the block, the requests of the block.

    A server writes the line after the client has its response, so both ends of the block wait until the log is quiet.
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
