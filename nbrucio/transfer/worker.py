"""One turn of one job: lock, look, attempt, judge, and hand over."""

from __future__ import annotations

import random
import time

from nbrucio.core.events import BytesArrived, FileRetried, FileStarted, Waiting
from nbrucio.core.text import printable
from nbrucio.errors import MissingDependency, NbrucioError, NoSpace, OverBudget
from nbrucio.store.locks import Lock
from nbrucio.store.partial import Partial
from nbrucio.transfer.base import Sink
from nbrucio.transfer.commit_queue import CommitQueue
from nbrucio.transfer.context import TransferContext
from nbrucio.transfer.errors import (
    Attempt,
    MissingLibrary,
    PermanentError,
    Stopped,
    StoreFault,
    TransientError,
    Tried,
    Unreachable,
    WrongBytes,
    attempt_error,
    final_error,
    no_replica,
)
from nbrucio.transfer.registry import host_of, is_text
from nbrucio.transfer.scheduler import TransferJob
from nbrucio.transfer.types import Task

#: How often a file that another process brings is looked for.
_WAIT_S = 0.2
_TRIES_UNREACHABLE = 2


class Worker:
    """What each thread of a run does. One object serves all threads; what differs is in the job."""

    def __init__(self, context: TransferContext, commits: CommitQueue) -> None:
        self._context = context
        self._commits = commits

    def work(self) -> None:
        """Serve jobs until the run ends."""
        host: str | None = None
        while (taken := self._context.schedule.take(done=host)) is not None:
            job, host = taken
            self._serve(job, host)

    def enter(self, task: Task) -> None:
        """Give ``task`` its first turn, or its outcome if there is nothing to try."""
        disks = [replica for replica in task.replicas if not replica.tape]
        if not disks:
            self._context.fail(task, no_replica(task.entry, tape=bool(task.replicas)))
            return
        try:
            self._context.allowance.reserve(task.entry)
        except OverBudget as error:
            self._context.fail(task, error)
        else:
            self._next_replica(TransferJob(task, disks))

    def _serve(self, job: TransferJob, host: str) -> None:
        if self._context.full is not None:
            self._end(job, _not_tried(job, self._context.full))
            return
        if self._context.hosts.is_dead(host):
            self._next_replica(job)
            return
        lock = self._context.store.lock(job.task.instance, job.task.entry.did)
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
            self._end(job, self._context.session.error(fault.error, job.task.entry.did))
        except NbrucioError as error:
            self._end(job, error)
        finally:
            if not handed_over:
                lock.release()

    def _wait(self, job: TransferJob, host: str) -> None:
        if not job.waited:
            job.waited = True
            self._context.reporter.report(Waiting(job.task.entry.did))
        self._context.schedule.add(job, host, _WAIT_S)

    def _bring(self, job: TransferJob, host: str, lock: Lock) -> bool:
        """Whether the job, and ``lock`` with it, went on to be committed."""
        if not lock.on_new_place and self._is_here(job):
            return False
        partial = self._open(job)
        sink = self._delivery(job, partial)
        had, began = partial.size_bytes, time.time()
        self._context.begin(sink)
        try:
            self._attempt(job, sink)
        except WrongBytes as fault:
            sink.restart()
            if had:
                # What was here before may be what is wrong, so this replica gets a clean start before it is blamed.
                self._again(job, host, 0.0)
            else:
                self._give_up(job, fault)
            return False
        except TransientError as fault:
            self._retry(job, host, fault)
            return False
        except PermanentError as fault:
            self._give_up(job, fault)
            return False
        finally:
            self._context.end(sink)
        self._context.hosts.delivered(host)
        self._context.traces.note(job.task, job.left[0], began)
        self._commits.add(job.task, partial, lock)
        return True

    def _attempt(self, job: TransferJob, sink: Sink) -> None:
        """Read one replica to its end and judge what came."""
        replica = job.left[0]
        try:
            source = self._context.sources.source(job.task.instance, replica)
        except MissingDependency as error:
            raise MissingLibrary(error) from error
        assert source is not None, "replicas that nothing reads get no turn"
        try:
            if sink.missing_bytes != 0 or sink.offset == 0:
                source.read(replica, sink)
        finally:
            job.etag = None if sink.etag is None else (replica.pfn, sink.etag)
        fault = sink.partial.sums().mismatch(job.task.entry)
        if fault is not None:
            raise WrongBytes(fault)

    def _is_here(self, job: TransferJob) -> bool:
        """Whether the file is in the store by now: from another process, or from a run that died before its record."""
        store, task = self._context.store, job.task
        stored = store.find(task.instance, task.entry)
        if stored is None and store.has_object(task.instance, task.entry.did):
            stored = store.verify(task.instance, task.entry, before_block=self._context.check)
        if stored is None:
            return False
        if job.partial is not None:
            job.partial.discard()
        self._context.succeed(task, stored)
        return True

    def _open(self, job: TransferJob) -> Partial:
        task = job.task
        if job.partial is not None:
            try:
                job.partial.open()
            except OSError as error:
                raise StoreFault(error) from error
            return job.partial
        job.partial = self._context.session.begin(task.instance, task.entry, self._context.check)
        rse, resumed = job.left[0].rse, job.partial.size_bytes
        self._context.reporter.report(FileStarted(task.entry.did, rse, task.entry.size_bytes, resumed))
        return job.partial

    def _delivery(self, job: TransferJob, partial: Partial) -> Sink:
        did, reporter = job.task.entry.did, self._context.reporter
        sink = Sink(
            job.task.entry,
            partial,
            self._context.limits,
            self._context.allowance,
            lambda count: reporter.report(BytesArrived(did, count)),
        )
        if job.etag is not None and job.etag[0] == job.left[0].pfn:
            sink.etag = job.etag[1]
        return sink

    def _retry(self, job: TransferJob, host: str, fault: TransientError) -> None:
        job.attempts += 1
        if fault.host:
            self._context.hosts.failed(host)
        limits = self._context.limits
        allowed = min(limits.attempts, _TRIES_UNREACHABLE) if isinstance(fault, Unreachable) else limits.attempts
        if job.attempts >= allowed or self._context.hosts.is_dead(host):
            self._give_up(job, fault)
            return
        wait_s = fault.wait_s
        if wait_s is None:
            # Spread, so that many files do not come back at once.
            wait_s = limits.backoff_s * 2 ** (job.attempts - 1) * random.uniform(0.75, 1.25)  # noqa: S311 no secret
        self._tell(job, fault)
        self._again(job, host, min(wait_s, limits.max_wait_s))

    def _again(self, job: TransferJob, host: str, wait_s: float) -> None:
        self._close(job)
        self._context.schedule.add(job, host, wait_s)

    def _give_up(self, job: TransferJob, fault: Attempt) -> None:
        """Leave this replica for the next."""
        self._tell(job, fault)
        job.tried.append(Tried(job.left.pop(0).rse, fault))
        job.attempts = 0
        self._close(job)
        self._next_replica(job)

    def _next_replica(self, job: TransferJob) -> None:
        while job.left:
            unfit = self._unfit(job)
            if unfit is None:
                self._context.schedule.add(job, host_of(job.left[0]))
                return
            job.tried.append(Tried(job.left.pop(0).rse, unfit))
        self._end(job, final_error(job.task.entry, job.tried))

    def _unfit(self, job: TransferJob) -> PermanentError | None:
        """Why the job's next replica is not worth an attempt; None when it is."""
        replica = job.left[0]
        if not self._context.sources.reads(job.task.instance, replica):
            return PermanentError(f"nbrucio does not support the protocol {printable(replica.scheme)}")
        if not is_text(replica.pfn):
            return PermanentError("its URL cannot be read")
        if self._context.hosts.is_dead(host_of(replica)):
            return PermanentError("its host failed before in this run")
        return None

    def _tell(self, job: TransferJob, fault: Attempt) -> None:
        entry = job.task.entry
        rse = job.left[0].rse
        self._context.reporter.report(FileRetried(entry.did, rse, attempt_error(entry, Tried(rse, fault))))

    def _close(self, job: TransferJob) -> None:
        if job.partial is not None:
            try:
                job.partial.close()
            except OSError as error:
                raise StoreFault(error) from error

    def _end(self, job: TransferJob, error: NbrucioError) -> None:
        if job.partial is not None:
            # Only what failed for reasons of network or storage is worth resuming.
            if any(isinstance(one.fault, TransientError) for one in job.tried) and not isinstance(error, NoSpace):
                job.partial.keep()
            else:
                job.partial.discard()
        self._context.fail(job.task, error)


def _not_tried(job: TransferJob, full: NoSpace) -> NoSpace:
    return NoSpace(
        f"{job.task.entry.did} was not tried: {full.message}", subject=str(job.task.entry.did), hint=full.hint
    )
