"""One turn of one job: lock the file, check the store, read a replica, verify the bytes, queue the commit."""

from __future__ import annotations

import time

from nbrucio.core.events import BytesArrived, FileRetried, FileStarted, Waiting
from nbrucio.core.files import Replica
from nbrucio.core.hosts import host_of
from nbrucio.core.jitter import jittered, no_sooner
from nbrucio.core.plan_errors import no_disk_replica
from nbrucio.core.text import printable
from nbrucio.errors import MissingDependency, NbrucioError, NoSpace, OverBudget
from nbrucio.store.locks import Lock
from nbrucio.store.partial import Partial
from nbrucio.transfer.base import Sink, Source
from nbrucio.transfer.commit_queue import CommitQueue
from nbrucio.transfer.context import TransferContext
from nbrucio.transfer.errors import (
    Attempt,
    MissingLibrary,
    NoParts,
    PermanentError,
    Refused,
    Shortage,
    Stopped,
    StoreError,
    TooSlow,
    TransientError,
    Tried,
    Unreachable,
    WrongBytes,
    Yielded,
    attempt_error,
    final_error,
)
from nbrucio.transfer.parts import PartedFile, PartSource
from nbrucio.transfer.registry import is_text
from nbrucio.transfer.scheduler import TransferJob
from nbrucio.transfer.slow import at_of, faster, why_leave
from nbrucio.transfer.types import Task

#: Interval in seconds between checks for a file that another process downloads.
_WAIT_S = 0.2
_TRIES_UNREACHABLE = 2
#: How often a file waits for a host that is asked for others; these are not counted as attempts.
_REFUSALS = 30
#: Pause in seconds of such a file, about.
_REFUSED_S = 0.3


class Worker:
    """The work of each thread of a run. All threads share one object; a job's state is in the job."""

    def __init__(self, context: TransferContext, commits: CommitQueue) -> None:
        self._context = context
        self._commits = commits

    def work(self) -> None:
        """Process jobs until the run ends."""
        host: str | None = None
        while (taken := self._context.schedule.take(done=host)) is not None:
            work, host = taken
            if isinstance(work, PartedFile):
                work.help()
            else:
                self._serve(work, host)

    def enter(self, task: Task) -> None:
        """Queue ``task``, or record its outcome if it cannot be tried."""
        disks = [replica for replica in task.replicas if not replica.tape]
        if not disks:
            self._context.fail(task, no_disk_replica(task.entry, task.replicas))
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
        if self._context.hosts.why_dead(host) is not None:
            self._next_replica(job)
            return
        found = faster(job, self._context.performances, lambda one: self._is_usable(job, one))
        if found is not None:
            job.prefer(found)
            self._context.schedule.add(job, host_of(found))
            return
        lock = self._context.store.lock(job.task.instance, job.task.entry.did)
        if lock is None:
            self._wait(job, host)
            return
        is_committing = False
        try:
            is_committing = self._download(job, host, lock)
        except Stopped:
            if job.partial is not None:
                job.partial.keep()
        except StoreError as error:
            self._end(job, self._context.session.error(error.error, job.task.entry.did))
        except NbrucioError as error:
            self._end(job, error)
        finally:
            if not is_committing:
                lock.release()

    def _wait(self, job: TransferJob, host: str) -> None:
        if not job.waited:
            job.waited = True
            self._context.reporter.report(Waiting(job.task.entry.did))
        self._context.schedule.add(job, host, _WAIT_S)

    def _download(self, job: TransferJob, host: str, lock: Lock) -> bool:
        """Download the file; return whether it was queued for its commit together with ``lock``."""
        if not lock.on_new_place and self._is_stored(job):
            return False
        partial = self._open(job)
        sink = self._sink(job, host, partial)
        resumed_bytes, began, began_at = partial.size_bytes, time.time(), time.monotonic()
        at = at_of(job.left[0])
        self._context.begin(sink, host, lambda missing_bytes: self._why_leave(job, missing_bytes))
        self._context.performances.began(at, sink)
        try:
            self._attempt(job, host, sink)
        except WrongBytes as error:
            is_mixed = job.is_in_parts and sink.offset > 0
            sink.restart()
            if resumed_bytes or is_mixed:
                # The resumed bytes may be the wrong ones, or parts of several versions, so this replica gets a clean
                # start before it counts as damaged.
                job.is_whole, job.is_in_parts = True, False
                self._reschedule(job, host, 0.0)
            else:
                self._drop_replica(job, error)
            return False
        except Yielded:
            self._reschedule(job, host, 0.0)
            return False
        except TooSlow as error:
            self._leave(job, error)
            return False
        except TransientError as error:
            self._retry(job, host, error)
            return False
        except PermanentError as error:
            if isinstance(error, Refused) and self._has_new_token(job, began_at):
                self._reschedule(job, host, 0.0)
            else:
                self._drop_replica(job, error)
            return False
        finally:
            self._context.performances.ended(at, sink)
            self._context.end(sink)
        self._context.hosts.delivered(host)
        self._context.performances.delivered(at)
        self._context.traces.add(job.task, job.left[0], began)
        self._commits.add(job.task, partial, lock)
        return True

    def _has_new_token(self, job: TransferJob, began_at: float) -> bool:
        """Return whether a replica that refused the credentials of ``began_at`` is worth another attempt; once."""
        if job.has_new_token:
            return False
        job.has_new_token = self._context.sources.has_new_token(job.task.instance, began_at)
        return job.has_new_token

    def _attempt(self, job: TransferJob, host: str, sink: Sink) -> None:
        """Read one replica to its end and verify the bytes."""
        replica = job.left[0]
        try:
            source = self._context.sources.source(job.task.instance, replica)
        except MissingDependency as error:
            raise MissingLibrary(error) from error
        assert source is not None, "replicas that nothing reads get no turn"
        try:
            if sink.missing_bytes != 0 or sink.offset == 0:
                self._read(job, host, sink, source)
        finally:
            job.etag = None if sink.etag is None else (replica.pfn, sink.etag)
        mismatch = sink.partial.sums().mismatch(job.task.entry)
        if mismatch is not None:
            raise WrongBytes(mismatch)

    def _read(self, job: TransferJob, host: str, sink: Sink, source: Source) -> None:
        """Read one replica, in parts if the protocol can and the file is worth it."""
        replica, entry, memory = job.left[0], job.task.entry, self._context.part_memory
        # Without a checksum, nothing would show that the parts belong to different versions of the file.
        is_divisible = not job.is_whole and entry.checksum is not None and memory.is_worth(sink.missing_bytes)
        if not (is_divisible and isinstance(source, PartSource)):
            source.read(replica, sink)
            return
        parts = PartedFile(host, sink, self._context.schedule, memory)
        job.is_in_parts = True
        try:
            parts.read(lambda: source.read(replica, sink), lambda part: source.read_part(replica, part))
        finally:
            source.finish(replica)

    def _is_stored(self, job: TransferJob) -> bool:
        """Whether another process, or a run that died before it wrote the record, put the file into the store."""
        store, task = self._context.store, job.task
        stored = store.find(task.instance, task.entry)
        if stored is None and store.has_object(task.instance, task.entry.did):
            stored = store.verify(task.instance, task.entry, before_block=self._context.check)
        if stored is None:
            return False
        if job.partial is not None:
            job.partial.discard()
        self._context.succeed([(task, stored)])
        return True

    def _open(self, job: TransferJob) -> Partial:
        task = job.task
        if job.partial is not None:
            try:
                job.partial.open()
            except OSError as error:
                raise StoreError(error) from error
            return job.partial
        job.partial = self._context.session.begin(task.instance, task.entry, self._context.check)
        rse, resumed = job.left[0].rse, job.partial.size_bytes
        self._context.reporter.report(FileStarted(task.entry.did, rse, task.entry.size_bytes, resumed))
        return job.partial

    def _sink(self, job: TransferJob, host: str, partial: Partial) -> Sink:
        did, reporter, schedule = job.task.entry.did, self._context.reporter, self._context.schedule

        def arrived(count: int) -> None:
            schedule.arrived(host, count)
            reporter.report(BytesArrived(did, count))

        sink = Sink(
            job.task.entry,
            partial,
            self._context.limits,
            self._context.allowance,
            arrived,
        )
        if job.etag is not None and job.etag[0] == job.left[0].pfn:
            sink.etag = job.etag[1]
        return sink

    def _retry(self, job: TransferJob, host: str, error: TransientError) -> None:
        if isinstance(error, NoParts) and not job.is_whole:
            job.is_whole, job.is_in_parts = True, False
            self._reschedule(job, host, 0.0)
            return
        if error.busy and job.refused < _REFUSALS and self._context.schedule.is_overloaded(host):
            job.refused += 1
            if error.host and not self._context.schedule.has_delivered(host):
                self._context.hosts.failed(host, error.cause)  # it may as well be down
            self._reschedule(job, host, self._pause_s(error, _REFUSED_S, share=0.7))
            return
        job.attempts += 1
        if error.host:
            self._context.hosts.failed(host, error.cause)
        limits = self._context.limits
        allowed = min(limits.attempts, _TRIES_UNREACHABLE) if isinstance(error, Unreachable) else limits.attempts
        if job.attempts >= allowed or self._context.hosts.why_dead(host) is not None:
            self._drop_replica(job, error)
            return
        self._report_failure(job, Tried(job.left[0].rse, error))
        self._reschedule(job, host, self._pause_s(error, limits.backoff_s * 2 ** (job.attempts - 1)))

    def _pause_s(self, error: TransientError, usual_s: float, share: float = 0.25) -> float:
        """Return a random pause about as long as the server asks for, else as usual: many files and many processes do
        not return at the same moment.
        """
        most_s = self._context.limits.max_wait_s
        if error.wait_s is None:
            return jittered(min(usual_s, most_s), share)
        return no_sooner(min(error.wait_s, most_s))

    def _reschedule(self, job: TransferJob, host: str, wait_s: float) -> None:
        self._close(job)
        self._context.schedule.add(job, host, wait_s)

    def _drop_replica(self, job: TransferJob, error: Attempt) -> None:
        """Move on to the next replica."""
        # Other errors are those of one file, or of this machine.
        if isinstance(error, (TransientError, Refused)) and not isinstance(error, Shortage):
            self._context.performances.failed(at_of(job.left[0]))
        dropped = Tried(job.left.pop(0).rse, error)
        job.tried.append(dropped)
        job.begin_elsewhere()
        job.failed += 1
        self._close(job)
        self._next_replica(job, dropped)

    def _why_leave(self, job: TransferJob, missing_bytes: int) -> TooSlow | None:
        return why_leave(job, missing_bytes, self._context.performances, lambda one: self._is_usable(job, one))

    def _leave(self, job: TransferJob, error: TooSlow) -> None:
        """Go on with a faster replica; the slow one stays as the next."""
        self._context.report_slow(job.left[0].rse, error)
        job.prefer(error.faster)
        self._reschedule(job, host_of(error.faster), 0.0)

    def _next_replica(self, job: TransferJob, dropped: Tried | None = None) -> None:
        # A file may have thousands of replicas, at hosts of which each takes its time to fail.
        while job.left and job.failed < self._context.limits.replicas:
            reason = self._why_unusable(job, job.left[0])
            if reason is None:
                if dropped is not None:
                    self._report_failure(job, dropped)
                self._context.schedule.add(job, host_of(job.left[0]))
                return
            job.tried.append(Tried(job.left.pop(0).rse, reason))
        self._end(job, final_error(job.task.entry, job.tried, untried=len(job.left)))

    def _is_usable(self, job: TransferJob, replica: Replica) -> bool:
        return self._why_unusable(job, replica) is None

    def _why_unusable(self, job: TransferJob, replica: Replica) -> Attempt | None:
        """Return why ``replica`` is not worth an attempt; None when it is."""
        if not self._context.sources.reads(job.task.instance, replica):
            return PermanentError(f"nbrucio does not support the protocol {printable(replica.scheme)}")
        if not is_text(replica.pfn):
            return PermanentError("its URL cannot be read")
        cause = self._context.hosts.why_dead(host_of(replica))
        if cause is not None:
            return TransientError(f"its host failed in this run ({cause})", host=True)
        return None

    def _report_failure(self, job: TransferJob, failed: Tried) -> None:
        """Report an attempt after which another one follows."""
        entry = job.task.entry
        self._context.reporter.report(FileRetried(entry.did, failed.rse, attempt_error(entry, failed)))

    def _close(self, job: TransferJob) -> None:
        if job.partial is not None:
            try:
                job.partial.close()
            except OSError as error:
                raise StoreError(error) from error

    def _end(self, job: TransferJob, error: NbrucioError) -> None:
        if job.partial is not None:
            # Resuming helps only after a network or storage error.
            if any(isinstance(one.error, TransientError) for one in job.tried) and not isinstance(error, NoSpace):
                job.partial.keep()
            else:
                job.partial.discard()
        self._context.fail(job.task, error)


def _not_tried(job: TransferJob, full: NoSpace) -> NoSpace:
    return NoSpace(
        f"{job.task.entry.did} was not downloaded: {full.message}", subject=str(job.task.entry.did), hint=full.hint
    )
