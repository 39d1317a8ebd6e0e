"""The uploads of this server: run in threads, and remembered until the user removes them, also after a restart."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timezone
from logging import Logger
from pathlib import Path

from nbrucio.config import Config, load
from nbrucio.core.events import Event, FileFailed, FileFinished, FileStarted, Noticed
from nbrucio.errors import Interrupted, NbrucioError, UsageError
from nbrucio.jupyter.daemon_pool import DaemonPool
from nbrucio.jupyter.upload_job import UploadJob
from nbrucio.jupyter.upload_records import UploadRecords
from nbrucio.operations.upload.upload import UploadReport, UploadTarget, upload
from nbrucio.pipeline.progress import Progress, Throttled

#: Uploads at once; each is a process.
WORKERS = 2
#: So many ended jobs are kept.
_KEPT = 50
#: Between two records of a running job.
_RECORD_S = 2.0


def event_of(job: UploadJob) -> dict[str, object]:
    """Return the event about ``job`` for every browser tab."""
    return {"id": job.id, "state": job.state, **job.progress.totals()}


class UploadJobs:
    """Starts, repeats, cancels and remembers uploads. Methods return immediately and are thread-safe.

    Args:
        tell: called, from a worker's thread, with each job that has changed.
        log: logger for bugs in nbrucio.
        records: the list on disk, with the jobs of earlier servers.
        configure: reads the configuration, anew for each upload.
    """

    def __init__(
        self,
        tell: Callable[[UploadJob], None],
        log: Logger,
        records: UploadRecords,
        configure: Callable[[], Config] = load,
    ) -> None:
        self._tell = tell
        self._log = log
        self._configure = configure
        self._pool = DaemonPool(WORKERS, "nbrucio-upload")
        self._lock = threading.Lock()
        self._closing = False
        self._records = records
        self._jobs: dict[str, UploadJob] = {job.id: job for job in records.load()}

    def start(self, names: tuple[str, ...], paths: tuple[Path, ...], target: UploadTarget) -> UploadJob:
        """Start a new job and return it."""
        job = UploadJob(uuid.uuid4().hex[:12], names, paths, target, datetime.now(timezone.utc))
        with self._lock:
            self._jobs[job.id] = job
            ended = [each.id for each in self._jobs.values() if each.future.done()]
            for old in ended[: max(0, len(self._jobs) - _KEPT)]:
                del self._jobs[old]
                self._records.forget(old)
        self._submit(job)
        return job

    def retry(self, identity: str) -> UploadJob:
        """Repeat the job and return it; uploaded files are skipped.

        Raises:
            UsageError: the job does not exist, or is running.
        """
        job = self.get(identity)
        with self._lock:
            _check_ended(job)
            job.cancel, job.future, job.progress = threading.Event(), Future(), Progress()
            job.log.append(f"{_now()} tried again")
        self._submit(job)
        return job

    def cancel(self, identity: str) -> bool:
        """Stop the job; return False if it is not running.

        Raises:
            UsageError: the job does not exist.
        """
        job = self.get(identity)
        if job.future.done():
            return False
        job.cancel.set()
        return True

    def forget(self, identity: str) -> None:
        """Remove an ended job from the list. Uploaded files stay in Rucio.

        Raises:
            UsageError: the job does not exist, or is running.
        """
        job = self.get(identity)
        with self._lock:
            _check_ended(job)
            self._jobs.pop(identity, None)
            self._records.forget(identity)

    def get(self, identity: str) -> UploadJob:
        """Return the job with this id.

        Raises:
            UsageError: there is none.
        """
        with self._lock:
            if identity not in self._jobs:
                raise UsageError("This upload does not exist.", subject=identity)
            return self._jobs[identity]

    def all(self) -> list[UploadJob]:
        """Return every job, the newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def close(self) -> None:
        """Stop every job, and wait a few seconds for those that can stop. The next server lists them as interrupted."""
        with self._lock:
            self._closing = True
            for job in self._jobs.values():
                job.cancel.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, job: UploadJob) -> None:
        future = self._pool.submit(self._carry_out, job)
        job.future = future
        self._records.save(job)
        future.add_done_callback(lambda _future: self._ended(job))
        self._tell(job)

    def _ended(self, job: UploadJob) -> None:
        if not self._closing:  # a record that is not over is one of an interrupted job
            self._records.save(job)
        self._tell(job)

    def _moved(self, job: UploadJob) -> None:
        now = time.monotonic()
        if now - job.recorded_s >= _RECORD_S:
            job.recorded_s = now
            self._records.save(job)
        self._tell(job)

    def _carry_out(self, job: UploadJob) -> UploadReport:
        if job.cancel.is_set():
            raise Interrupted("Stopped.")
        reporter = _Listener(job, self._moved)
        try:
            report = upload(
                job.paths, job.target, self._configure(), reporter=reporter, cancel=job.cancel, detail=reporter.write
            )
        except NbrucioError as error:
            reporter.write(error.message)
            raise
        except Exception:
            self._log.exception("nbrucio: an upload ended with an error of nbrucio")
            raise
        job.progress = reporter.progress
        if report.error is not None:
            reporter.write(report.error.message)
        reporter.write(f"{report.count('uploaded')} uploaded, {report.count('present')} already at {job.target.rse}")
        return report


class _Listener:
    """Counts for the progress and writes the log of a job."""

    def __init__(self, job: UploadJob, tell: Callable[[UploadJob], None]) -> None:
        self._job = job
        self._counter = Throttled(self._told)
        self._tell = tell

    @property
    def progress(self) -> Progress:
        return self._counter.progress

    def report(self, event: Event) -> None:
        """Record ``event``."""
        words = _words(event)
        if words:
            self.write(words)
        self._counter.report(event)

    def write(self, words: str) -> None:
        """Write a line of the log."""
        self._job.log.append(f"{_now()} {words}")

    def _told(self, progress: Progress) -> None:
        self._job.progress = progress
        self._tell(self._job)


def _now() -> str:
    return time.strftime("%H:%M:%S")


def _check_ended(job: UploadJob) -> None:
    if not job.future.done():
        raise UsageError("This upload is running.", subject=job.id, hint="Cancel it first.")


def _words(event: Event) -> str | None:
    if isinstance(event, FileStarted):
        return f"{event.did} to {event.rse}"
    if isinstance(event, FileFinished):
        return f"{event.did} complete"
    if isinstance(event, FileFailed):
        return f"{event.did}: {event.error.message}"
    return event.message if isinstance(event, Noticed) else None
