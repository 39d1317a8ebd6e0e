"""One turn of one job: lock, look, attempt, judge, and hand over."""

from __future__ import annotations

import random
import time

from nbrucio.did import printable
from nbrucio.errors import MissingDependency, NbrucioError, NoSpace, OverBudget
from nbrucio.events import BytesArrived, FileRetried, FileStarted, Waiting
from nbrucio.store.lock import Lock
from nbrucio.store.partial import Partial
from nbrucio.transfer.commits import Commits
from nbrucio.transfer.faults import (
    Attempt,
    Lasting,
    Passing,
    Stopped,
    StoreFault,
    Tried,
    Unequipped,
    Unreachable,
    WrongBytes,
    attempt_error,
    final_error,
    no_replica,
)
from nbrucio.transfer.model import Task
from nbrucio.transfer.protocols import host_of, is_text
from nbrucio.transfer.run import Run
from nbrucio.transfer.schedule import Job
from nbrucio.transfer.source import Delivery

#: How often a file that another process brings is looked for.
_WAIT_S = 0.2
_TRIES_UNREACHABLE = 2


class Worker:
    """What each thread of a run does. One object serves all threads; what differs is in the job."""

    def __init__(self, run: Run, commits: Commits) -> None:
        self._run = run
        self._commits = commits

    def work(self) -> None:
        """Serve jobs until the run ends."""
        host: str | None = None
        while (taken := self._run.schedule.take(done=host)) is not None:
            job, host = taken
            self._serve(job, host)

    def enter(self, task: Task) -> None:
        """Give ``task`` its first turn, or its outcome if there is nothing to try."""
        disks = [replica for replica in task.replicas if not replica.tape]
        if not disks:
            self._run.fail(task, no_replica(task.entry, tape=bool(task.replicas)))
            return
        try:
            self._run.allowance.reserve(task.entry)
        except OverBudget as error:
            self._run.fail(task, error)
        else:
            self._next_replica(Job(task, disks))

    def _serve(self, job: Job, host: str) -> None:
        if self._run.full is not None:
            self._end(job, _not_tried(job, self._run.full))
            return
        if self._run.hosts.is_dead(host):
            self._next_replica(job)
            return
        lock = self._run.store.lock(job.task.instance, job.task.entry.did)
        if lock is None:
            self._wait(job, host)
            return
        handed_over = False
        try:
            handed_over = self._bring(job, host, lock)
        except Stopped:
            if job.partial is not None:
                job.partial.keep()
        except StoreFault as fault:
            self._end(job, self._run.session.error(fault.error, job.task.entry.did))
        except NbrucioError as error:
            self._end(job, error)
        finally:
            if not handed_over:
                lock.release()

    def _wait(self, job: Job, host: str) -> None:
        if not job.waited:
            job.waited = True
            self._run.reporter.report(Waiting(job.task.entry.did))
        self._run.schedule.add(job, host, _WAIT_S)

    def _bring(self, job: Job, host: str, lock: Lock) -> bool:
        """Whether the job, and ``lock`` with it, went on to be committed."""
        if not lock.on_new_place and self._is_here(job):
            return False
        partial = self._open(job)
        delivery = self._delivery(job, partial)
        had, began = partial.size_bytes, time.time()
        self._run.begin(delivery)
        try:
            self._attempt(job, delivery)
        except WrongBytes as fault:
            delivery.restart()
            if had:
                # What was here before may be what is wrong, so this replica gets a clean start before it is blamed.
                self._again(job, host, 0.0)
            else:
                self._give_up(job, fault)
            return False
        except Passing as fault:
            self._retry(job, host, fault)
            return False
        except Lasting as fault:
            self._give_up(job, fault)
            return False
        finally:
            self._run.end(delivery)
        self._run.hosts.delivered(host)
        self._run.traces.note(job.task, job.left[0], began)
        self._commits.add(job.task, partial, lock)
        return True

    def _attempt(self, job: Job, delivery: Delivery) -> None:
        """Read one replica to its end and judge what came."""
        replica = job.left[0]
        try:
            source = self._run.sources.source(job.task.instance, replica)
        except MissingDependency as error:
            raise Unequipped(error) from error
        assert source is not None, "replicas that nothing reads get no turn"
        try:
            if delivery.missing_bytes != 0 or delivery.offset == 0:
                source.read(replica, delivery)
        finally:
            job.etag = None if delivery.etag is None else (replica.pfn, delivery.etag)
        fault = delivery.partial.sums().fault(job.task.entry)
        if fault is not None:
            raise WrongBytes(fault)

    def _is_here(self, job: Job) -> bool:
        """Whether the file is in the store by now: from another process, or from a run that died before its record."""
        store, task = self._run.store, job.task
        stored = store.find(task.instance, task.entry)
        if stored is None and store.has_object(task.instance, task.entry.did):
            stored = store.verify(task.instance, task.entry, before_block=self._run.check)
        if stored is None:
            return False
        if job.partial is not None:
            job.partial.discard()
        self._run.succeed(task, stored)
        return True

    def _open(self, job: Job) -> Partial:
        task = job.task
        if job.partial is not None:
            try:
                job.partial.open()
            except OSError as error:
                raise StoreFault(error) from error
            return job.partial
        job.partial = self._run.session.begin(task.instance, task.entry, self._run.check)
        rse, resumed = job.left[0].rse, job.partial.size_bytes
        self._run.reporter.report(FileStarted(task.entry.did, rse, task.entry.size_bytes, resumed))
        return job.partial

    def _delivery(self, job: Job, partial: Partial) -> Delivery:
        did, reporter = job.task.entry.did, self._run.reporter
        delivery = Delivery(
            job.task.entry,
            partial,
            self._run.limits,
            self._run.allowance,
            lambda count: reporter.report(BytesArrived(did, count)),
        )
        if job.etag is not None and job.etag[0] == job.left[0].pfn:
            delivery.etag = job.etag[1]
        return delivery

    def _retry(self, job: Job, host: str, fault: Passing) -> None:
        job.attempts += 1
        if fault.host:
            self._run.hosts.failed(host)
        limits = self._run.limits
        allowed = min(limits.attempts, _TRIES_UNREACHABLE) if isinstance(fault, Unreachable) else limits.attempts
        if job.attempts >= allowed or self._run.hosts.is_dead(host):
            self._give_up(job, fault)
            return
        wait_s = fault.wait_s
        if wait_s is None:
            # Spread, so that many files do not come back at once.
            wait_s = limits.backoff_s * 2 ** (job.attempts - 1) * random.uniform(0.75, 1.25)  # noqa: S311 no secret
        self._tell(job, fault)
        self._again(job, host, min(wait_s, limits.max_wait_s))

    def _again(self, job: Job, host: str, wait_s: float) -> None:
        self._close(job)
        self._run.schedule.add(job, host, wait_s)

    def _give_up(self, job: Job, fault: Attempt) -> None:
        """Leave this replica for the next."""
        self._tell(job, fault)
        job.tried.append(Tried(job.left.pop(0).rse, fault))
        job.attempts = 0
        self._close(job)
        self._next_replica(job)

    def _next_replica(self, job: Job) -> None:
        while job.left:
            unfit = self._unfit(job)
            if unfit is None:
                self._run.schedule.add(job, host_of(job.left[0]))
                return
            job.tried.append(Tried(job.left.pop(0).rse, unfit))
        self._end(job, final_error(job.task.entry, job.tried))

    def _unfit(self, job: Job) -> Lasting | None:
        """Why the job's next replica is not worth an attempt; None when it is."""
        replica = job.left[0]
        if not self._run.sources.reads(job.task.instance, replica):
            return Lasting(f"nbrucio does not support the protocol {printable(replica.scheme)}")
        if not is_text(replica.pfn):
            return Lasting("its URL cannot be read")
        if self._run.hosts.is_dead(host_of(replica)):
            return Lasting("its host failed before in this run")
        return None

    def _tell(self, job: Job, fault: Attempt) -> None:
        entry = job.task.entry
        rse = job.left[0].rse
        self._run.reporter.report(FileRetried(entry.did, rse, attempt_error(entry, Tried(rse, fault))))

    def _close(self, job: Job) -> None:
        if job.partial is not None:
            try:
                job.partial.close()
            except OSError as error:
                raise StoreFault(error) from error

    def _end(self, job: Job, error: NbrucioError) -> None:
        if job.partial is not None:
            # Only what failed for reasons of network or storage is worth resuming.
            if any(isinstance(one.fault, Passing) for one in job.tried) and not isinstance(error, NoSpace):
                job.partial.keep()
            else:
                job.partial.discard()
        self._run.fail(job.task, error)


def _not_tried(job: Job, full: NoSpace) -> NoSpace:
    return NoSpace(
        f"{job.task.entry.did} was not tried: {full.message}", subject=str(job.task.entry.did), hint=full.hint
    )
