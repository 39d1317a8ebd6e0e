"""Selects the next file: the largest one whose host has a free slot, so that no large file is left for the end."""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import count

from nbrucio.core.files import Replica
from nbrucio.store.partial import Partial
from nbrucio.transfer.concurrency import START, AdaptiveLimit, ConcurrencyLimit, GoodputLimit
from nbrucio.transfer.errors import Tried
from nbrucio.transfer.registry import MOUNTED
from nbrucio.transfer.types import Task


@dataclass
class TransferJob:
    """A task in progress.

    Attributes:
        left: replicas still to be tried; the first is next.
        attempts: failed attempts at the first replica.
        tried: replicas that failed, and why.
        partial: the partial file, which stays between attempts.
        etag: the URL and the ETag of the version that the partial's bytes are from.
        waited: whether it was reported that another process downloads this file.
        refused: how often its host had too many requests.
    """

    task: Task
    left: list[Replica]
    attempts: int = 0
    tried: list[Tried] = field(default_factory=list)
    partial: Partial | None = None
    etag: tuple[str, str] | None = None
    waited: bool = False
    refused: int = 0


class Scheduler:
    """Waiting jobs, by host. Thread-safe."""

    def __init__(self, per_host: int) -> None:
        self._limits: dict[str, ConcurrencyLimit] = defaultdict(lambda: GoodputLimit(per_host))
        self._limits[MOUNTED] = AdaptiveLimit(min(per_host, START))
        self._arrived: Counter[str] = Counter()
        self._ready: dict[str, list[tuple[int, int, TransferJob]]] = defaultdict(list)
        self._later: list[tuple[float, int, str, TransferJob]] = []
        self._running: Counter[str] = Counter()
        self._tick = count()
        self._changed = threading.Condition()
        self._closed = False

    def add(self, job: TransferJob, host: str, delay_s: float = 0.0) -> None:
        """Queue ``job`` for ``host``, to start in ``delay_s`` seconds at the earliest."""
        with self._changed:
            if delay_s > 0:
                heapq.heappush(self._later, (time.monotonic() + delay_s, next(self._tick), host, job))
            else:
                self._push(job, host)
            if delay_s > 0 or self._running[host] < self._limits[host].now:
                self._changed.notify()

    def take(self, done: str | None = None) -> tuple[TransferJob, str] | None:
        """Wait for a job whose host has a free slot, and count it as running there; None when the scheduler is closed.

        Args:
            done: the host of this thread's previous job, whose slot is freed. Another thread is woken only if there is
                one more job for it; otherwise each of thousands of small files would cost two context switches.
        """
        with self._changed:
            if done is not None:
                self._running[done] -= 1
            while not self._closed:
                now = time.monotonic()
                wait_s = self._wake(now)
                host = self._best_host()
                if host is not None:
                    self._running[host] += 1
                    size, _, job = heapq.heappop(self._ready[host])
                    self._limits[host].observe(now, time.process_time(), -size)
                    if self._best_host() is not None:
                        self._changed.notify()
                    return job, host
                if not any(self._ready.values()):
                    for limit in self._limits.values():
                        limit.rest()
                self._changed.wait(wait_s)
            return None

    def arrived(self, host: str, size_bytes: int) -> None:
        """Count bytes from ``host``."""
        with self._changed:
            self._arrived[host] += size_bytes

    def observe(self) -> None:
        """Update the limits, by what has arrived and while no thread asks for a job."""
        now = time.monotonic()
        with self._changed:
            for host, jobs in self._ready.items():
                limit = self._limits[host]
                if not jobs:
                    limit.rest()
                    continue
                limit.observe(now, time.process_time(), -jobs[0][0])
                limit.measure(now, self._arrived[host])
                for _ in range(min(len(jobs), limit.now - self._running[host])):
                    self._changed.notify()

    def slots(self) -> int:
        """Return how many files may be downloaded at a time from the hosts that are in use."""
        with self._changed:
            used = {host for host, jobs in self._ready.items() if jobs} | set(+self._running)
            return sum(self._limits[host].now for host in used)

    def is_overloaded(self, host: str) -> bool:
        """Ask ``host`` for fewer files at a time after it refused one; False where it serves no other file."""
        with self._changed:
            if self._running[host] < 2 or not self._arrived[host]:
                return False
            self._limits[host].lower(self._running[host] - 1)
            return True

    def close(self) -> list[TransferJob]:
        """Start no more jobs; return the waiting ones."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            waiting = [entry[2] for jobs in self._ready.values() for entry in jobs]
            waiting += [entry[3] for entry in self._later]
            self._ready.clear()
            self._later.clear()
            return waiting

    def _push(self, job: TransferJob, host: str) -> None:
        size_bytes = job.task.entry.size_bytes or 0
        heapq.heappush(self._ready[host], (-size_bytes, next(self._tick), job))

    def _wake(self, now: float) -> float | None:
        """Queue the jobs whose delay has passed; return seconds until the next, None without one."""
        while self._later and self._later[0][0] <= now:
            _, _, host, job = heapq.heappop(self._later)
            self._push(job, host)
        return self._later[0][0] - now if self._later else None

    def _best_host(self) -> str | None:
        """Return the host with the largest waiting file among hosts with a free slot."""
        hosts = [host for host, jobs in self._ready.items() if jobs and self._running[host] < self._limits[host].now]
        return min(hosts, key=lambda host: self._ready[host][0][:2], default=None)
