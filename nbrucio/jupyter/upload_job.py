"""One upload of this server, and its record for the servers after it. Pure, except for the job's own state."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from nbrucio.core.did import Did
from nbrucio.core.units import parse_lifetime
from nbrucio.disk.libraries import unexpected
from nbrucio.errors import Interrupted, NbrucioError, error_of
from nbrucio.operations.upload.files import LocalFile
from nbrucio.operations.upload.upload import FileResult, UploadReport, UploadTarget
from nbrucio.pipeline.progress import Progress

#: So many lines of a log, files of an answer, and failed files of the list are kept.
_LINES, _FILES, _FAILURES = 200, 1_000, 5
_TIME = "%Y-%m-%dT%H:%M:%SZ"


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
    recorded_s: float = 0.0

    @property
    def state(self) -> str:
        """``waiting``, ``uploading``, ``done`` or ``failed`` (at least one file was not uploaded)."""
        if not self.future.done():
            return "uploading" if self.future.running() else "waiting"
        if self.future.cancelled() or self.future.exception() is not None:
            return "failed"
        return "failed" if self.future.result().errors() else "done"

    def as_json(self, with_files: bool = False) -> dict[str, object]:
        """This job as a JSON-ready mapping."""
        target, report = self.target, self._report()
        error = report.error if report else self._fault()
        failed = [result.as_json() for result in report.files if result.error] if report else []
        value: dict[str, object] = {
            "id": self.id,
            "state": self.state,
            "paths": list(self.names),
            "rse": target.rse,
            "scope": target.scope,
            "dataset": str(target.dataset) if target.dataset else None,
            "lifetime_s": target.lifetime_s,
            "instance": target.instance,
            "created": self.created.strftime(_TIME),
            "failed_files": len(failed),
            "failures": failed[:_FAILURES],
            "error": error.as_json() if error else None,
            **self.progress.totals(),
        }
        if with_files:
            value["log"] = list(self.log)
            value["files"] = [result.as_json() for result in (report.files if report else ())][:_FILES]
        return value

    def record(self) -> dict[str, object]:
        """Return what `job_of` needs to make this job again."""
        return {**self.as_json(with_files=True), "files_on_disk": [str(path) for path in self.paths]}

    def _report(self) -> UploadReport | None:
        over = self.future.done() and not self.future.cancelled() and self.future.exception() is None
        return self.future.result() if over else None

    def _fault(self) -> NbrucioError | None:
        if not self.future.done():
            return None
        fault = Interrupted("Stopped.") if self.future.cancelled() else self.future.exception()
        return fault if isinstance(fault, NbrucioError) or fault is None else unexpected(fault)


def job_of(record: Mapping[str, Any]) -> UploadJob:
    """Return the job that `UploadJob.record` describes. One that was not over ended with its server.

    Raises:
        KeyError, TypeError, ValueError, NbrucioError: the record is damaged.
    """
    dataset = Did.parse(record["dataset"]) if record["dataset"] else None
    target = UploadTarget(record["rse"], record["scope"], dataset, record["lifetime_s"], record["instance"])
    created = datetime.strptime(record["created"], _TIME).replace(tzinfo=timezone.utc)
    paths = tuple(map(Path, record["files_on_disk"]))
    job = UploadJob(str(record["id"]), tuple(map(str, record["paths"])), paths, target, created)
    job.log.extend(map(str, record["log"]))
    job.progress = Progress(**{name: record[name] for name in Progress().totals()})
    error = error_of(record["error"]) if record["error"] else None
    if record["state"] not in ("done", "failed"):
        error = Interrupted("The server stopped during this upload.", hint="Try again; uploaded files are skipped.")
    files = tuple(map(_result_of, record["files"]))
    if files or record["state"] == "done":
        job.future.set_result(UploadReport(target, files, error))
    else:
        job.future.set_exception(error or Interrupted("Stopped."))
    return job


def _result_of(row: Mapping[str, Any]) -> FileResult:
    file = LocalFile(Path(row["path"]), Did.parse(row["did"]), int(row["bytes"]))
    return FileResult(file, str(row["state"]), error_of(row["error"]) if row["error"] else None)


def target_of(body: Mapping[str, Any]) -> UploadTarget:
    """Return the target that a request describes.

    Raises:
        UsageError: the lifetime is wrong.
        BadDid: the dataset's name is invalid.
    """
    scope, dataset, lifetime = body["scope"].strip(), body.get("dataset"), body.get("lifetime")
    named = Did.parse(dataset if ":" in dataset else f"{scope}:{dataset}") if dataset else None
    return UploadTarget(
        body["rse"].strip(), scope, named, parse_lifetime(lifetime) if lifetime else None, body.get("instance")
    )
