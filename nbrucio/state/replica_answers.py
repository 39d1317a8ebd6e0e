"""Rucio's latest answers about replicas, for processes of this machine that start at about the same time.

``<store>/answers/<SHA-256 of instance, list digest and RSE expression>`` has the lines of
`nbrucio.state.replica_places`; its modification time is that of the answer.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from nbrucio.core.did import Did
from nbrucio.core.files import Replica
from nbrucio.state.replica_places import read_replicas, write_replicas

#: An answer serves runs that begin up to this long after it. 64 processes on two busy cores start within 30 s.
SHARED_NS = 30 * 10**9
#: Difference of the clocks of this machine and its file server.
_CLOCKS_NS = 60 * 10**9


class ReplicaAnswers:
    """The answers in the store at ``root``, for one run.

    Args:
        only: the RSE expression with which this run asks; another one has another answer.
        began_ns: when the run began, in ns since the epoch.
    """

    def __init__(self, root: Path, only: str | None, began_ns: int) -> None:
        self._folder = root / "answers"
        self._only = only or ""
        self._began_ns = began_ns
        self._used: dict[Path, int] = {}

    def read(self, instance: str, digest: str) -> dict[Did, tuple[Replica, ...]]:
        """Return the answer about files of the list with this digest (``sha256:…``); empty if there is none that is
        later than `SHARED_NS` before the run, or if its time is unknown because the clock was set back.
        """
        path = self._path(instance, digest)
        answered_ns = _changed_ns(path)
        if not self._began_ns - SHARED_NS <= answered_ns <= time.time_ns() + _CLOCKS_NS:
            return {}
        self._used[path] = answered_ns
        return read_replicas(path)

    def save(self, instance: str, digest: str, replicas: Mapping[Did, Sequence[Replica]]) -> None:
        """Replace the answer about this list, and remove answers that are too old for every run. An answer that adds to
        the one that this run read keeps its time.

        Raises:
            OSError: the store cannot be written.
        """
        path = self._path(instance, digest)
        write_replicas(path, replicas)
        now_ns = _changed_ns(path)
        if path in self._used:
            os.utime(path, ns=(self._used[path], self._used[path]))
        self._used.setdefault(path, now_ns)
        old_ns = now_ns - SHARED_NS - _CLOCKS_NS
        for other in self._folder.iterdir():
            if _changed_ns(other) < old_ns:
                _remove(other)

    def forget(self, instance: str, digest: str) -> None:
        """Remove the answer that this run used, because it left a file unavailable. A later one stays."""
        path = self._path(instance, digest)
        if path in self._used and _changed_ns(path) == self._used[path]:
            _remove(path)

    def clear(self) -> None:
        """Remove all answers, because there are new replicas."""
        with suppress(OSError):
            for path in self._folder.iterdir():
                _remove(path)

    def _path(self, instance: str, digest: str) -> Path:
        return self._folder / hashlib.sha256(f"{instance}\n{digest}\n{self._only}".encode()).hexdigest()


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
