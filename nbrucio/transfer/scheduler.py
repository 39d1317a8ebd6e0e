"""Selects the next file whose host has a free slot: one that code waits for, else the largest one, so that no large
file is left for the end.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import count

from nbrucio.core.files import Replica
from nbrucio.core.hosts import MOUNTED, HostFacts
from nbrucio.core.plan import FileKey
from nbrucio.store.partial import Partial
from nbrucio.transfer.concurrency import MOST_MOUNTED, AdaptiveLimit, ConcurrencyLimit, GoodputLimit
from nbrucio.transfer.errors import Tried
from nbrucio.transfer.parts import PartedFile
from nbrucio.transfer.types import Task


@dataclass
class TransferJob:
    """A task in progress.

    Attributes:
        left: replicas still to be tried; the first is next.
        attempts: failed attempts at the first replica.
        failed: number of replicas that were tried and failed.
        tried: replicas that failed, and why.
        partial: the partial file, which stays between attempts.
        etag: the URL and the ETag of the version that the partial's bytes are from.
        waited: whether it was reported that another process downloads this file.
        refused: how often its host had too many requests.
        has_new_token: whether the first replica is tried again with a new token after it refused the old one.
        is_in_parts: whether the file was read in parts.
        is_whole: whether it is not read in parts again.
        slow: PFNs of replicas that it left because they were slow; each is left once.
    """

    task: Task
    left: list[Replica]
    attempts: int = 0
    failed: int = 0
    tried: list[Tried] = field(default_factory=list)
    partial: Partial | None = None
    etag: tuple[str, str] | None = None
    waited: bool = False
    refused: int = 0
    has_new_token: bool = False
    is_in_parts: bool = False
    is_whole: bool = False
    slow: set[str] = field(default_factory=set)

    def prefer(self, faster: Replica) -> None:
        """Go on with ``faster`` instead of the first replica, which is slow and stays as the next."""
        self.slow.add(self.left[0].pfn)
        self.left.remove(faster)
        self.left.insert(0, faster)
        self.begin_elsewhere()

    def begin_elsewhere(self) -> None:
        """Forget what holds for the first replica only; another one takes its place."""
        self.attempts = 0
        self.is_whole = self.is_in_parts = self.has_new_token = False


class _Limits(dict[str, ConcurrencyLimit]):
    """The limit of each host, made on first use."""

    def __init__(self, per_host: int, known: Mapping[str, HostFacts]) -> None:
        self._per_host = per_host
        self._known = known

    def __missing__(self, host: str) -> ConcurrencyLimit:
        limit = self[host] = GoodputLimit(self._per_host, known=self._known.get(host))
        return limit


class Scheduler:
    """Waiting jobs, by host. Thread-safe."""

    def __init__(self, per_host: int, known: Mapping[str, HostFacts] | None = None) -> None:
        self._limits: dict[str, ConcurrencyLimit] = _Limits(per_host, known or {})
        self._limits[MOUNTED] = AdaptiveLimit(min(per_host, MOST_MOUNTED))
        self._arrived: Counter[str] = Counter()
        self._ready: dict[str, list[tuple[bool, int, int, TransferJob]]] = defaultdict(list)
        self._first: Collection[FileKey] = ()
        self._later: list[tuple[float, int, str, TransferJob]] = []
        self._running: Counter[str] = Counter()
        self._parted: list[PartedFile] = []
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

    def take(self, done: str | None = None) -> tuple[TransferJob | PartedFile, str] | None:
        """Wait for a job whose host has a free slot, and count it as running there; None when the scheduler is closed.

        Where no job waits, a file of which a part can be read counts as one.

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
                    _, size, _, job = heapq.heappop(self._ready[host])
                    self._limits[host].observe(now, time.process_time(), -size)
                    if self._best_host() is not None:
                        self._changed.notify()
                    return job, host
                parted = self._best_parted()
                if parted is not None:
                    self._running[parted.host] += 1
                    if self._best_parted() is not None:
                        self._changed.notify()
                    return parted, parted.host
                if not any(self._ready.values()) and not any(parted.has_rest() for parted in self._parted):
                    for limit in self._limits.values():
                        limit.rest()
                self._changed.wait(wait_s)
            return None

    def prefer(self, first: Collection[FileKey]) -> None:
        """Start these files before all others from now on."""
        with self._changed:
            self._first = first
            for jobs in self._ready.values():
                jobs[:] = [(self._is_later(entry[3]), *entry[1:]) for entry in jobs]
                heapq.heapify(jobs)

    def arrived(self, host: str, size_bytes: int) -> None:
        """Count bytes from ``host``."""
        with self._changed:
            self._arrived[host] += size_bytes

    def observe(self) -> dict[str, int]:
        """Update the limits, by what has arrived and while no thread asks for a job.

        Returns:
            how many files should stop being read, by host: those whose trial has overloaded it. Until they end, which
            takes long then, it serves all of them slowly.
        """
        now, surplus = time.monotonic(), dict[str, int]()
        with self._changed:
            divisible = {parted.host for parted in self._parted if parted.has_rest()}
            for host in self._ready.keys() | divisible:
                limit, jobs = self._limits[host], self._ready[host]
                if not jobs and host not in divisible:
                    limit.rest()
                    continue
                if jobs:
                    limit.observe(now, time.process_time(), -jobs[0][1])
                limit.measure(now, self._arrived[host], time.process_time())
                if limit.was_overloaded():
                    surplus[host] = self._running[host] - limit.now
                wanted = limit.now if host in divisible else len(jobs)
                for _ in range(min(wanted, limit.now - self._running[host])):
                    self._changed.notify()
        return surplus

    def slots(self) -> int:
        """Return how many files may be downloaded at a time from the hosts that are in use."""
        with self._changed:
            used = {host for host, jobs in self._ready.items() if jobs} | set(+self._running)
            return sum(self._limits[host].now for host in used)

    def offer(self, parts: PartedFile) -> None:
        """See `Helpers.offer`."""
        with self._changed:
            self._parted.append(parts)
            self._changed.notify_all()

    def withdraw(self, parts: PartedFile) -> None:
        """See `Helpers.withdraw`."""
        with self._changed:
            if parts in self._parted:
                self._parted.remove(parts)

    def has_slot(self, host: str) -> bool:
        """See `Helpers.has_slot`."""
        with self._changed:
            return not self._ready[host] and self._running[host] < self._limits[host].now

    def wake(self) -> None:
        """See `Helpers.wake`."""
        with self._changed:
            self._changed.notify()

    def is_overloaded(self, host: str) -> bool:
        """Ask ``host`` for fewer files at a time after it refused one; False where it is asked for no other file."""
        with self._changed:
            if self._running[host] < 2 or self._limits[host].most < 2:
                return False
            self._limits[host].lower(self._running[host] - 1)
            return True

    def has_delivered(self, host: str) -> bool:
        """Whether any byte arrived from ``host``."""
        with self._changed:
            return self._arrived[host] > 0

    def found(self) -> dict[str, HostFacts]:
        """Return what this run found out about hosts."""
        with self._changed:
            facts = {host: limit.found() for host, limit in self._limits.items()}
        return {host: found for host, found in facts.items() if found != HostFacts()}

    def close(self) -> list[TransferJob]:
        """Start no more jobs; return the waiting ones."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            waiting = [entry[3] for jobs in self._ready.values() for entry in jobs]
            waiting += [entry[3] for entry in self._later]
            self._ready.clear()
            self._later.clear()
            return waiting

    def _push(self, job: TransferJob, host: str) -> None:
        size_bytes = job.task.entry.size_bytes or 0
        heapq.heappush(self._ready[host], (self._is_later(job), -size_bytes, next(self._tick), job))

    def _is_later(self, job: TransferJob) -> bool:
        return (job.task.instance, job.task.entry.did) not in self._first

    def _wake(self, now: float) -> float | None:
        """Queue the jobs whose delay has passed; return seconds until the next, None without one."""
        while self._later and self._later[0][0] <= now:
            _, _, host, job = heapq.heappop(self._later)
            self._push(job, host)
        return self._later[0][0] - now if self._later else None

    def _best_parted(self) -> PartedFile | None:
        """Return a file of which a part can be read at a host with a free slot."""
        for parted in self._parted:
            if self._running[parted.host] < self._limits[parted.host].now and parted.wants_help():
                return parted
        return None

    def _best_host(self) -> str | None:
        """Return the host with the first waiting file among hosts with a free slot."""
        hosts = [host for host, jobs in self._ready.items() if jobs and self._running[host] < self._limits[host].now]
        return min(hosts, key=lambda host: self._ready[host][0][:3], default=None)
