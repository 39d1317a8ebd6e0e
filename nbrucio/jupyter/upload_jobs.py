"""The uploads of this server: run in threads, and remembered until it ends or the user removes them."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timezone
from logging import Logger
from pathlib import Path
from typing import Any

from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.core.events import Event, FileFailed, FileFinished, FileStarted, Noticed
from nbrucio.core.units import parse_lifetime
from nbrucio.disk.libraries import unexpected
from nbrucio.errors import Interrupted, NbrucioError, UsageError
from nbrucio.jupyter.daemon_pool import DaemonPool
from nbrucio.jupyter.progress import Progress, Throttled
from nbrucio.operations.upload.upload import UploadReport, UploadTarget, upload

#: Uploads at once; each is a process.
WORKERS = 2
#: So many lines of a log, files of an answer and ended jobs are kept.
_LINES, _FILES, _KEPT = 200, 1_000, 50


@dataclass
class UploadJob:
    """One requested upload. ``names`` are the browser's paths."""

    id: str
    names: tuple[str, ...]
    paths: tuple[Path, ...]
    target: UploadTarget
    created: datetime
    cancel: threading.Event = field(default_factory=threading.Event)
    progress: Progress = field(default_factory=Progress)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))
    future: Future[UploadReport] = field(default_factory=Future)

    @property
    def state(self) -> str:
        """``waiting``, ``uploading``, ``done`` or ``failed`` (at least one file was not uploaded)."""
        if not self.future.done():
            return "uploading" if self.future.running() else "waiting"
        if self.future.cancelled() or self.future.exception() is not None:
            return "failed"
        return "failed" if self.future.result().errors else "done"

    def as_json(self, with_files: bool = False) -> dict[str, object]:
        """This job as a JSON-ready mapping."""
        target, report = self.target, self._report()
        error = report.error if report else self._fault()
        value: dict[str, object] = {
            "id": self.id,
            "state": self.state,
            "paths": list(self.names),
            "rse": target.rse,
            "scope": target.scope,
            "dataset": str(target.dataset) if target.dataset else None,
            "lifetime_s": target.lifetime_s,
            "instance": target.instance,
            "created": self.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "failed_files": report.count("failed") if report else 0,
            "error": error.as_json() if error else None,
            **self.progress.as_json(),
        }
        if with_files:
            value["log"] = list(self.log)
            value["files"] = [result.as_json() for result in (report.files if report else ())][:_FILES]
        return value

    def _report(self) -> UploadReport | None:
        over = self.future.done() and not self.future.cancelled() and self.future.exception() is None
        return self.future.result() if over else None

    def _fault(self) -> NbrucioError | None:
        if not self.future.done():
            return None
        fault = Interrupted("Stopped.") if self.future.cancelled() else self.future.exception()
        return fault if isinstance(fault, NbrucioError) or fault is None else unexpected(fault)


def event_of(job: UploadJob) -> dict[str, object]:
    """Return the event about ``job`` for every browser tab."""
    return {"id": job.id, "state": job.state, **job.progress.as_json()}


class UploadJobs:
    """Starts, repeats, cancels and remembers uploads. Methods return immediately and are thread-safe.

    Args:
        tell: called, from a worker's thread, with each job that has changed.
        log: logger for bugs in nbrucio.
        configure: reads the configuration, anew for each upload.
    """

    def __init__(self, tell: Callable[[UploadJob], None], log: Logger, configure: Callable[[], Config] = load) -> None:
        self._tell = tell
        self._log = log
        self._configure = configure
        self._pool = DaemonPool(WORKERS, "nbrucio-upload")
        self._lock = threading.Lock()
        self._jobs: dict[str, UploadJob] = {}

    def start(self, names: tuple[str, ...], paths: tuple[Path, ...], target: UploadTarget) -> UploadJob:
        """Start a new job and return it."""
        job = UploadJob(uuid.uuid4().hex[:12], names, paths, target, datetime.now(timezone.utc))
        with self._lock:
            self._jobs[job.id] = job
            ended = [each.id for each in self._jobs.values() if each.future.done()]
            for old in ended[: max(0, len(self._jobs) - _KEPT)]:
                del self._jobs[old]
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
        """Stop every job, and wait a few seconds for those that can stop."""
        with self._lock:
            for job in self._jobs.values():
                job.cancel.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, job: UploadJob) -> None:
        future = self._pool.submit(self._carry_out, job)
        job.future = future
        future.add_done_callback(lambda _future: self._tell(job))
        self._tell(job)

    def _carry_out(self, job: UploadJob) -> UploadReport:
        if job.cancel.is_set():
            raise Interrupted("Stopped.")
        reporter = _Listener(job, self._tell)
        try:
            report = upload(job.paths, job.target, self._configure(), reporter=reporter, cancel=job.cancel)
        except NbrucioError as error:
            reporter.write(error.message)
            raise
        except Exception:
            self._log.exception("nbrucio: an upload ended with an error of nbrucio")
            raise
        job.progress = reporter.progress
        if report.error is not None:
            reporter.write(report.error.message)
        reporter.write(f"{report.count('uploaded')} uploaded, {report.count('present')} there before")
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
        self._job.log.append(f"{time.strftime('%H:%M:%S')} {words}")

    def _told(self, progress: Progress) -> None:
        self._job.progress = progress
        self._tell(self._job)


def _check_ended(job: UploadJob) -> None:
    if not job.future.done():
        raise UsageError("This upload is running.", subject=job.id, hint="Cancel it first.")


def _words(event: Event) -> str | None:
    if isinstance(event, FileStarted):
        return f"{event.did} to {event.rse}"
    if isinstance(event, FileFinished):
        return f"{event.did} is there"
    if isinstance(event, FileFailed):
        return f"{event.did}: {event.error.message}"
    return event.message if isinstance(event, Noticed) else None


def target_of(body: Mapping[str, Any]) -> UploadTarget:
    """Return the target that a request describes.

    Raises:
        UsageError: a text is missing or wrong.
        BadDid: the dataset's name is invalid.
    """
    for key in ("rse", "scope"):
        if not isinstance(body.get(key), str) or not body[key].strip():
            raise UsageError(
                f"The request does not name the {'RSE' if key == 'rse' else key}.", hint=f"Give it as '{key}'."
            )
    for key in ("dataset", "lifetime", "instance"):
        if body.get(key) is not None and not isinstance(body[key], str):
            raise UsageError(f"'{key}' must be a text.")
    scope, dataset, lifetime = body["scope"].strip(), body.get("dataset"), body.get("lifetime")
    named = Did.parse(dataset if ":" in dataset else f"{scope}:{dataset}") if dataset else None
    return UploadTarget(
        body["rse"].strip(), scope, named, parse_lifetime(lifetime) if lifetime else None, body.get("instance")
    )
