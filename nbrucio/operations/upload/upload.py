"""One upload from beginning to end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbrucio.catalogue.child.config import isolated, order_of
from nbrucio.catalogue.network_errors import switched_offline
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Config, Instance, Policy
from nbrucio.core.did import Did
from nbrucio.core.download_limit import because
from nbrucio.core.events import (
    ApplyStarted,
    BytesArrived,
    FileFailed,
    FileFinished,
    FileStarted,
    Noticed,
    Reporter,
)
from nbrucio.core.text import printable
from nbrucio.disk.child import running
from nbrucio.errors import Interrupted, NbrucioError, UsageError, envelope, error_of, exit_code_for
from nbrucio.operations.upload.files import LocalFile, collect, total_bytes


@dataclass(frozen=True)
class UploadTarget:
    """The destination of an upload.

    Attributes:
        rse: the RSE's name.
        scope: scope of the files' DIDs.
        dataset: dataset to attach them to, created if necessary; None for no dataset.
        lifetime_s: lifetime of the rule in seconds; None for no expiry.
        instance: name of the instance; None for the default one.
    """

    rse: str
    scope: str
    dataset: Did | None = None
    lifetime_s: int | None = None
    instance: str | None = None


@dataclass(frozen=True)
class FileResult:
    """Result of one file: ``state`` is uploaded, present (the RSE already had it), failed or waiting (not started)."""

    file: LocalFile
    state: str
    error: NbrucioError | None = None

    def as_json(self) -> dict[str, object]:
        """Return this result as a JSON-ready mapping."""
        error = self.error.as_json() if self.error else None
        file = self.file
        return {"path": str(file.path), "did": str(file.did), "bytes": file.size_bytes, "state": self.state} | {
            "error": error
        }


@dataclass(frozen=True)
class UploadReport:
    """Result of an upload. ``error`` is the error that ended it before its last file; None without one."""

    target: UploadTarget
    files: tuple[FileResult, ...]
    error: NbrucioError | None = None

    def errors(self) -> tuple[NbrucioError, ...]:
        """Return all errors of the upload."""
        return tuple(filter(None, (self.error, *(result.error for result in self.files))))

    @property
    def exit_code(self) -> int:
        """0 when every file was uploaded or present."""
        return exit_code_for(self.errors())

    def count(self, state: str) -> int:
        """Return the number of files in ``state``."""
        return sum(1 for result in self.files if result.state == state)

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping."""
        return {
            **envelope(self.errors()),
            "rse": self.target.rse,
            "dataset": str(self.target.dataset) if self.target.dataset else None,
            "files": [result.as_json() for result in self.files],
            "error": self.error.as_json() if self.error else None,
        }


@dataclass
class _UploadProcess:
    """A running upload: turns events of the worker into events and results."""

    files: tuple[LocalFile, ...]
    rse: str
    reporter: Reporter
    results: dict[int, FileResult] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    error: NbrucioError | None = None
    ended: bool = False
    detail: Callable[[str], None] | None = None

    def take(self, line: Mapping[str, Any]) -> None:
        """Process one line."""
        event, number = line["event"], line.get("file")
        if event == "notice":
            self.reporter.report(Noticed(line["message"]))
        elif event == "detail" and self.detail is not None:
            self.detail(line["words"])
        elif event == "stopped":
            self.error = error_of(line["error"])
        elif event == "end":
            self.ended = True
        elif number is not None:
            self._of_file(event, number, line)

    def _of_file(self, event: str, number: int, line: Mapping[str, Any]) -> None:
        file = self.files[number]
        if event == "started":
            self.reporter.report(FileStarted(file.did, self.rse, file.size_bytes))
        elif event == "moved":
            self._move(number, min(line["bytes"], file.size_bytes))
        elif event == "failed":
            self._move(number, 0)
            error = error_of(line["error"])
            self.results[number] = FileResult(file, "failed", error)
            self.reporter.report(FileFailed(file.did, error))
        elif event == "done":
            self._move(number, file.size_bytes)
            self.results[number] = FileResult(file, line["state"])
            self.reporter.report(FileFinished(file.did, file.size_bytes))

    def _move(self, number: int, size_bytes: int) -> None:
        step = size_bytes - self.moved.get(number, 0)
        if step:
            self.moved[number] = size_bytes
            self.reporter.report(BytesArrived(self.files[number].did, step))

    def report(self, target: UploadTarget) -> UploadReport:
        """Return the report of the upload."""
        results = tuple(self.results.get(n, FileResult(file, "waiting")) for n, file in enumerate(self.files))
        return UploadReport(target, results, self.error)


def upload(
    paths: Sequence[Path],
    target: UploadTarget,
    config: Config,
    *,
    reporter: Reporter,
    cancel: threading.Event | None = None,
    detail: Callable[[str], None] | None = None,
    environ: Mapping[str, str] | None = None,
) -> UploadReport:
    """Upload files, and the files below folders, to an RSE and register them.

    Files that the RSE has with the same size and checksum are skipped, so that repeating the call completes an
    interrupted upload. Bytes are sent before the registration: Rucio never lists an incomplete file.

    Args:
        cancel: stops the upload, also within a file.
        detail: called with the words of Rucio and of rucio-clients behind an error, for a log.
        environ: the environment; None means this process's.

    Raises:
        UsageError: a path or the target is invalid, or the policy forbids uploads to its RSE.
        Offline: nbrucio is offline.
        UnknownInstance, BadConfig, MissingDependency: see there.
    """
    instance = config.instance(target.instance)
    _check_allowed(target.rse, config.policy)
    files = collect(paths, target.scope)
    _check_dataset(target.dataset, files)
    if config.policy.offline:
        raise switched_offline(instance, "upload to")
    environ = os.environ if environ is None else environ
    with closing(RucioCatalogue(instance, config.policy, environ=environ, config=config)) as catalogue:
        token = catalogue.token()
    reporter.report(ApplyStarted(len(files), total_bytes(files)))
    run = _UploadProcess(files, target.rse, reporter, detail=detail)
    with isolated(instance, environ, config, token=token) as environment:
        _follow(run, _order(instance, target, files), environment, cancel or threading.Event())
    return run.report(target)


def _check_allowed(rse: str, policy: Policy) -> None:
    allowed = policy.upload_rses
    if allowed is None or rse in allowed:
        return
    raise UsageError(
        f"Uploads to {printable(rse)} are not allowed here (upload_rses in [policy]).",
        subject=rse,
        hint=f"Allowed: {', '.join(allowed) or 'no RSE'}.{because(policy.reason)}",
    )


def _check_dataset(dataset: Did | None, files: Sequence[LocalFile]) -> None:
    """Check that no file has the name of the dataset, which Rucio would never free again for the file."""
    if any(file.did == dataset for file in files):
        raise UsageError(
            f"{dataset} cannot be both the dataset and a file in it.",
            subject=str(dataset),
            hint="Choose another name for the dataset.",
        )


def _order(instance: Instance, target: UploadTarget, files: Sequence[LocalFile]) -> dict[str, Any]:
    return {
        "instance": order_of(instance),
        "password": instance.credentials.password,
        "rse": target.rse,
        "scope": target.scope,
        "dataset": str(target.dataset) if target.dataset else None,
        "lifetime_s": target.lifetime_s,
        "files": [{"path": str(file.path), "did": str(file.did)} for file in files],
    }


def _follow(
    run: _UploadProcess, order: Mapping[str, Any], environment: Mapping[str, str], cancel: threading.Event
) -> None:
    with running("nbrucio.operations.upload.worker", environment, order, cancel) as events:
        for event in events:
            run.take(event)
    if cancel.is_set() and not run.ended:
        run.error = Interrupted("Stopped.", hint="Run the same upload again; it sends only the missing files.")
    elif not run.ended:
        run.error = NbrucioError(
            "The upload process ended unexpectedly.", hint="Run the same upload again; it sends only the missing files."
        )
