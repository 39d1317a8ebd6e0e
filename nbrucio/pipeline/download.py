"""The downloads of one run. They start before all replicas are known, if the plan cannot change them.

A catalogue takes about a millisecond for each file's replicas, so the plan of 100,000 files takes minutes. Exactly
those files are started early that the plan later contains, see `Downloads.start_early`.
"""

from __future__ import annotations

import queue
import resource
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from nbrucio.config import Policy
from nbrucio.core.did import Did
from nbrucio.core.events import ApplyStarted, Noticed, Planned
from nbrucio.core.files import FileEntry, Replica, total_bytes
from nbrucio.core.hosts import HostBook
from nbrucio.core.plan import Access, FileKey, FilePlan, Plan, ResolvedRequirement
from nbrucio.core.planner import Wanted, refusal
from nbrucio.core.text import human_bytes, plural
from nbrucio.disk.threads import DaemonThread
from nbrucio.errors import Interrupted
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.eviction import make_room
from nbrucio.pipeline.remember import remember_hosts, remember_rate

if TYPE_CHECKING:
    from nbrucio.store import Stored
    from nbrucio.transfer.types import Outcome, Task, TransferLimits

#: Largest number of files that wait for a transfer before the plan is made; the others wait for the plan.
_WAITING = 5_000
#: Files that a download has open: its connection, its partial file and its lock, and the latter two of a file that
#: waits for its commit. And what a process has open besides.
_FILES_EACH, _OTHER_FILES = 5, 64
#: Rucio lists the replicas of so few files in some 20 ms. They wait for the plan, so that the files which cannot be
#: obtained are reported before the first byte.
FEW = 20
#: Tasks go to the transfers in groups, of at most so many and so long gathered: each group is a change of threads.
_GROUP = 50
_GROUP_S = 0.005
#: How often the end of the run, or a request to end it, is checked.
_LOOK_S = 0.1
#: How long to wait for transfers after they were stopped.
_GRACE_S = 2.0


class Downloads:
    """The downloads of one run. A context manager that stops running downloads at its end.

    Args:
        cancel: set it to stop within a second.
        begins: called once with the files to download, just before the first one; not called without any.
        arrived, preferred: see `fetch`.
    """

    def __init__(
        self,
        run: RunContext,
        cancel: threading.Event | None = None,
        begins: Callable[[Sequence[Wanted]], object] | None = None,
        arrived: Callable[[Sequence[tuple[Task, Stored]]], object] | None = None,
        preferred: Callable[[], Collection[FileKey] | None] | None = None,
    ) -> None:
        self._begins = begins
        self._arrived = arrived
        self._preferred = preferred
        self._wanted: Callable[[], Iterator[Wanted]] = lambda: iter(())
        self._run = run
        self._cancel = cancel
        self._stop = _Either(cancel)
        self._announced: ApplyStarted | None = None
        self._instances: frozenset[str] = frozenset()
        self._requirements: Sequence[ResolvedRequirement] = ()
        self._early: queue.SimpleQueue[list[Task] | None] = queue.SimpleQueue()
        self._group: list[Task] = []
        self._sent_s = 0.0
        self._taken = 0
        self._begun: set[FileKey] = set()
        self._rest: Iterator[Task] = iter(())
        self._thread: threading.Thread | None = None
        self._outcomes: tuple[Outcome, ...] | None = None
        self._fault: BaseException | None = None

    def start_early(
        self, requirements: Sequence[ResolvedRequirement], files: Mapping[str, Mapping[Did, FileEntry]]
    ) -> bool:
        """Allow `submit` to start transfers if every downloadable file of ``files`` will be downloaded. This is true if
        no requirement asks for another kind of access, and all files together are within the limits. A file of unknown
        size waits for the plan, which gives it the rest of the limit, or refuses it; so do `FEW` files of one instance.

        Returns:
            whether it does so.
        """
        if any(resolved.access not in (None, "download") for resolved in requirements):
            return False
        if not self._run.limits(requirements).no_downloads.isdisjoint(files):
            return False
        sizes = [entry.size_bytes for entries in files.values() for entry in entries.values()]
        size_bytes = total_bytes(sizes)
        if size_bytes is not None and refusal(size_bytes, self._run.limits(requirements)) is None:
            if sizes:
                with suppress(RuntimeError):  # no more threads
                    DaemonThread(_load, "nbrucio-load").start()
            if len(files) == 1 and len(sizes) <= FEW:
                return False
            self._announced = ApplyStarted(len(sizes), size_bytes)
            self._instances = frozenset(files)
            self._wanted = lambda: _wanted(requirements, files)
            self._requirements = requirements
        return bool(self._announced and self._announced.files)

    def submit(self, instance: str, entry: FileEntry, replicas: tuple[Replica, ...]) -> None:
        """Start the download of a missing file, if `start_early` allowed it.

        Raises:
            Interrupted: the run was cancelled.
        """
        if self._fault is not None:
            raise self._fault
        if self._announced is None or all(replica.tape for replica in replicas):
            return
        from nbrucio.transfer.types import Task  # without downloads, HTTP libraries are not needed

        if self._thread is None:
            self._begin(self._wanted(), self._announced)
            self._run.reporter.report(self._announced)
            thread = DaemonThread(self._fetch_early, "nbrucio-early")
            thread.start()
            self._thread = thread
        if len(self._begun) - self._taken < _WAITING:
            self._group.append(Task(instance, entry, replicas))
            self._begun.add((instance, entry.did))
        now = time.monotonic()
        if len(self._group) >= _GROUP or now - self._sent_s >= _GROUP_S:
            self._send(now)

    def wait(self, plan: Plan) -> dict[FileKey, Outcome]:
        """Download the files of ``plan`` that were not submitted yet, and wait for all downloads.

        Raises:
            Interrupted: the run was cancelled; finished files stay, unfinished ones resume at the next sync.
        """
        planned = ApplyStarted(len(plan.downloads), plan.download_bytes)
        if self._thread is None and plan.refusal is None and plan.downloads:
            self._requirements = [one.resolved for one in plan.requirements]
            self._begin(_planned(plan), planned)
        self._run.reporter.report(Planned(plan))
        if self._thread is None or planned != self._announced:
            self._run.reporter.report(planned)
        if self._thread is not None:
            self._rest = self._left(plan)
            self._join()
        elif plan.refusal is None and plan.downloads:
            self._instances = frozenset(instance for instance, _ in plan.downloads)
            self._outcomes = self._fetch(self._left(plan), self._cancel)
        return {(outcome.task.instance, outcome.task.entry.did): outcome for outcome in self._outcomes or ()}

    def close(self) -> None:
        """Stop the running downloads. Idempotent."""
        self._early.put(None)
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_GRACE_S)

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, wanted: Iterator[Wanted], announced: ApplyStarted) -> None:
        if self._begins is not None:
            self._begins(tuple(wanted))
        removed = make_room(self._run.config, self._run.store, announced.size_bytes or 0, self._requirements)
        if removed:
            freed = human_bytes(sum(file.size_bytes for file in removed))
            self._run.reporter.report(
                Noticed(f"{plural(len(removed), 'cached file')} ({freed}) removed to make room: used least recently.")
            )

    def _left(self, plan: Plan) -> Iterator[Task]:
        from nbrucio.transfer.types import Task

        # The scheduler starts the largest of its queued files first, and its queue is limited. Unknown sizes are last,
        # so that all others have reserved their space.
        def rank(download: tuple[str, FilePlan]) -> tuple[bool, int]:
            size_bytes = download[1].entry.size_bytes
            return size_bytes is None, -(size_bytes or 0)

        for instance, file in sorted(plan.downloads, key=rank):
            key = (instance, file.entry.did)
            if key not in self._begun:
                yield Task(instance, file.entry, plan.replicas[key])

    def _send(self, now: float) -> None:
        self._early.put(self._group)
        self._group, self._sent_s = [], now

    def _join(self) -> None:
        self._send(time.monotonic())
        self._early.put(None)
        assert self._thread is not None
        try:
            while self._thread.is_alive():
                self._thread.join(_LOOK_S)
        except KeyboardInterrupt as error:
            raise Interrupted(
                "Stopped before all files were downloaded.", hint="The next sync continues where this one stopped."
            ) from error
        if self._fault is not None:
            raise self._fault
        if self._outcomes is None:
            raise MemoryError("the downloads ended without a word")

    def _fetch_early(self) -> None:
        def tasks() -> Iterator[Task]:
            while (group := self._early.get()) is not None:
                for task in group:
                    self._taken += 1
                    yield task
            yield from self._rest

        try:
            self._outcomes = self._fetch(tasks(), self._stop)
        except BaseException as fault:  # noqa: BLE001 the calling thread raises it
            self._fault = fault

    def _fetch(self, tasks: Iterator[Task], cancel: threading.Event | None) -> tuple[Outcome, ...]:
        from nbrucio.pipeline.storage_access import storage_access
        from nbrucio.transfer.fetch import fetch

        run, began = self._run, time.monotonic()
        access = {instance: storage_access(run.config, instance) for instance in self._instances}
        limits = transfer_limits(run.config.policy)
        book = HostBook(run.host_memory.read())
        try:
            outcomes = fetch(
                tasks,
                run.store,
                access,
                run.reporter,
                limits=limits,
                cancel=cancel,
                book=book,
                arrived=self._arrived,
                preferred=self._preferred,
            )
        finally:
            remember_hosts(run, book)
        remember_rate(run, run.reporter.size_bytes, time.monotonic() - began)
        return outcomes


class _Either(threading.Event):
    """An event that is set by itself or by ``other``."""

    def __init__(self, other: threading.Event | None) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or (self._other is not None and self._other.is_set())


def _load() -> None:
    """Import the modules for downloads while the catalogue works on its response."""
    from nbrucio.pipeline import storage_access  # noqa: F401
    from nbrucio.transfer import fetch  # noqa: F401


def transfer_limits(policy: Policy) -> TransferLimits:
    """Return the limits of transfers by the policy and this process's limit on open files; two hosts may be busy."""
    from nbrucio.transfer.types import TransferLimits

    most = _most_at_a_time()
    return TransferLimits(
        per_host=min(policy.parallel, most),
        total=min(2 * policy.parallel, most),
        committing=min(TransferLimits.committing, most),
        max_download_bytes=policy.max_download_bytes,
        origin=policy.limit,
        keep_free_bytes=policy.keep_free_bytes,
    )


def _most_at_a_time() -> int:
    """Return for how many downloads this process may have files open: macOS allows 256, where others allow 1,024."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if most == resource.RLIM_INFINITY else max(1, (most - _OTHER_FILES) // _FILES_EACH)


def _wanted(
    requirements: Sequence[ResolvedRequirement], files: Mapping[str, Mapping[Did, FileEntry]]
) -> Iterator[Wanted]:
    """Return the files of each of ``requirements`` that are among ``files``, by instance and DID."""
    for resolved in requirements:
        lacking = files.get(resolved.instance, {})
        found = [entry.size_bytes or 0 for entry in resolved.files if entry.did in lacking]
        if found:
            total = sum(entry.size_bytes or 0 for entry in resolved.files)
            yield Wanted(resolved.instance, resolved.requirement.did, sum(found), total)


def _planned(plan: Plan) -> Iterator[Wanted]:
    """Return the files of each requirement that ``plan`` downloads."""
    for one in plan.requirements:
        sizes = [file.entry.size_bytes or 0 for file in one.files if file.access is Access.DOWNLOAD]
        if sizes:
            total = sum(file.entry.size_bytes or 0 for file in one.files)
            yield Wanted(one.resolved.instance, one.resolved.requirement.did, sum(sizes), total)
