"""The syncs that this server runs: in threads, one at a time for a notebook, shared by all who ask."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from logging import Logger
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import Config, load
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.planner import Wanted
from nbrucio.core.report import NotebookReport
from nbrucio.errors import Interrupted, NbrucioError, UnreadableFile
from nbrucio.jupyter.consent import agree, ask_for_consent, limited
from nbrucio.jupyter.daemon_pool import DaemonPool
from nbrucio.jupyter.kernel_notice import announce, explain
from nbrucio.jupyter.progress import Progress, Throttled
from nbrucio.jupyter.underway import UnderWay
from nbrucio.kernel.asked import Asked
from nbrucio.notebook.declared import ATTACHMENTS_KEY
from nbrucio.notebook.ipynb import load as load_notebook
from nbrucio.operations.grants import Grants
from nbrucio.pipeline.cached_status import CachedStatus, cached_status
from nbrucio.pipeline.manifest import write_progress
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.publish import answer_to
from nbrucio.pipeline.renew_rules import renew
from nbrucio.pipeline.resolve import remembered_lock
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status


class SyncResult(NamedTuple):
    """The end of a sync, by handle.

    Attributes:
        states: ``ready``, ``missing`` or ``failed``, of each requirement.
        locks: what was resolved.
        errors: why requirements are not ready, as JSON-ready mappings; ready ones are left out.
        drift: how the catalogue differs from the lock, in words; what agrees is left out.
        answers: what the notebook asked; None when it was as at the look before.
    """

    states: Mapping[str, str]
    locks: Mapping[str, LockEntry]
    errors: Mapping[str, Sequence[Mapping[str, object]]]
    drift: Mapping[str, str]
    answers: Mapping[str, Mapping[str, object] | None] | None = None

    @classmethod
    def of(cls, report: NotebookReport) -> SyncResult:
        """What a sync reported."""
        by_handle = {one.resolved.requirement.handle: one for one in report.requirements}
        errors = {handle: [error.as_json() for error in one.errors()] for handle, one in by_handle.items()}
        return cls(
            {handle: one.state for handle, one in by_handle.items()},
            {handle: one.resolved.lock for handle, one in by_handle.items() if one.resolved.lock is not None},
            {handle: found for handle, found in errors.items() if found},
            {handle: one.resolved.drift for handle, one in by_handle.items() if one.resolved.drift},
            {handle: answer_to(report.asked, one.resolved) for handle, one in by_handle.items()}
            if report.asked
            else {},
        )

    @classmethod
    def from_cache(cls, cached: CachedStatus, config: Config) -> SyncResult:
        """That nothing was to be done."""
        states = {row.handle: row.state for row in cached.rows}
        try:
            locks = remembered_lock(cached.path, config)
        except UnreadableFile:
            locks = {}  # a save then adds none of them to the notebook
        return cls(states, locks, {}, {})

    def is_answer(self, asked: Asked) -> bool:
        """Whether a notebook that asks this now was answered by it."""
        answers = self.answers
        return (
            answers is not None
            and set(asked.handles()) == set(answers)
            and all(asked.answered(handle, answer) for handle, answer in answers.items())
        )


#: Opening a notebook again so soon starts nothing.
REOPEN_S = 60.0
#: Threads are cheap, and one that waits for a silent server must not keep other notebooks waiting.
WORKERS = 16
#: Results of so many notebooks are kept for the panel and the save hook.
_KEPT = 200


@dataclass(frozen=True)
class SyncRequest:
    """What is asked for.

    Attributes:
        explicit: the user asked for this sync, which is consent to what it downloads; otherwise grants decide.
        budget_bytes: without an explicit request, at most so much is downloaded; None for no limit but the machine's.
        offline: only what is here is looked at.
        refresh: ask the catalogue again.
        once: an explicit request is no consent for later.
        again: also when the notebook was opened a moment ago.
    """

    explicit: bool = False
    budget_bytes: int | None = None
    offline: bool = False
    refresh: bool = False
    once: bool = False
    again: bool = False

    def covers(self, other: SyncRequest) -> bool:
        """Whether a sync for this request does all that one with the ``other`` may do."""
        if other.explicit:
            allowed = self.explicit and (other.once or not self.once)
        else:
            allowed = self.explicit or _least(self.budget_bytes, other.budget_bytes) == other.budget_bytes
        return allowed and self.refresh >= other.refresh and self.offline <= other.offline

    def merge(self, other: SyncRequest) -> SyncRequest:
        """The least request that covers both."""
        if self.covers(other):
            return self
        both = self.budget_bytes, other.budget_bytes
        return SyncRequest(
            explicit=self.explicit or other.explicit,
            budget_bytes=None if None in both else max(self.budget_bytes or 0, other.budget_bytes or 0),
            offline=self.offline and other.offline,
            refresh=self.refresh or other.refresh,
            once=all(request.once for request in (self, other) if request.explicit)
            and (self.explicit or other.explicit),
            again=self.again or other.again,
        )


@dataclass
class SyncJob:
    """A sync that was started. ``future`` gives its end, or raises `NbrucioError`.

    Attributes:
        before: the run of the same notebook for whose end this one waits; None once it has begun.
        followed: another one waits for this, which is not the end of what was asked for.
        known: by handle, what the runs before it resolved.
        question: what its notebook declared when it began, see `question_of`; None when that is not known.
    """

    path: Path
    request: SyncRequest
    started: float
    before: SyncJob | None = None
    followed: bool = False
    known: Mapping[str, LockEntry] = field(default_factory=dict)
    question: str | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    progress: Progress = field(default_factory=Progress)
    future: Future[SyncResult] = field(default_factory=Future)

    @property
    def state(self) -> str:
        """``syncing``, ``done`` or ``failed`` (the run as a whole; a single requirement's failure is in the report)."""
        if not self.future.done():
            return "syncing"
        return "failed" if self.future.cancelled() or self.future.exception() else "done"


class SyncJobs:
    """Starts, shares, cancels and remembers syncs. Its methods return at once and may be called from any thread.

    Args:
        tell: called, from a worker's thread, with a run whenever there is something new to say of it.
        log: where a fault of ours goes.
        grants: what was agreed to.
        configure: reads the configuration, anew for each sync.
    """

    def __init__(
        self, tell: Callable[[SyncJob], None], log: Logger, grants: Grants, configure: Callable[[], Config] = load
    ) -> None:
        self._tell = tell
        self._log = log
        self._grants = grants
        self._configure = configure
        self._pool = DaemonPool(WORKERS, "nbrucio-sync")
        self._lock = threading.Lock()
        self._jobs: dict[Path, SyncJob] = {}
        self._under_way = UnderWay(grants.folder / "under-way")
        self._closing = False

    def start(self, path: Path, request: SyncRequest) -> SyncJob:
        """A run for the notebook at ``path``: the one under way, the last one if it was just opened, or a new one.

        One under way that may do less, or was stopped, is followed by a new one, which begins when it is over.

        Raises:
            RuntimeError: the server is closing.
        """
        path = path.resolve()
        with self._lock:
            last = self._jobs.get(path)
            under_way = last if last is not None and last.state == "syncing" else None
            if last is not None and not last.cancel.is_set():
                if last.before is not None:
                    last.request = last.request.merge(request)
                waits = last.before is not None
                if last.request.covers(request) and (
                    waits or (under_way and not request.again) or _is_recent(last, request)
                ):
                    return last
            job = SyncJob(path, request, time.monotonic(), before=under_way, known=_known(last))
            future = self._pool.submit(self._carry_out, job)
            if under_way is not None:
                under_way.followed = True
            job.future = future
            self._jobs.pop(path, None)  # so that it comes last, and the oldest first
            self._jobs[path] = job
            self._forget_old()
        job.future.add_done_callback(lambda _future: None if job.followed else self._tell(job))
        return job

    def last(self, path: Path) -> SyncJob | None:
        """The last run for the notebook at ``path``, finished or not."""
        with self._lock:
            return self._jobs.get(path.resolve())

    def resolved(self, path: Path) -> Mapping[str, LockEntry]:
        """By handle, what the last sync of this notebook that ended well resolved. Reads no file."""
        return _known(self.last(path))

    def is_outdated(self, path: Path) -> bool:
        """Whether the notebook at ``path`` asks for something else than its last run answers. Reads the file."""
        job = self.last(path)
        if job is None or job.before is not None or job.question == question_of(path):
            return False
        try:
            asked = Asked(load_notebook(path).metadata)
        except NbrucioError:
            return False
        return job.state != "done" or not job.future.result().is_answer(asked)

    def cancel(self, path: Path) -> bool:
        """Stop the run for this notebook; False when none is under way. What has arrived stays."""
        job = self.last(path)
        if job is None or job.state != "syncing":
            return False
        _cancel(job)
        return True

    def moved(self, names: Mapping[Path, Path]) -> None:
        """Let the runs of notebooks that were renamed, old path to new, follow them. One under way goes on."""
        with self._lock:
            for old, new in names.items():
                with suppress(OSError):  # then consent is asked for again, where it is needed
                    self._under_way.moved(old, new)
                if (last := self._jobs.pop(old, None)) is None:
                    continue
                self._jobs[new] = last
                for job in _with_those_before(last):
                    job.path = new

    def close(self) -> None:
        """Stop every run, and wait a few seconds for those that can stop. Unfinished files resume at the next sync."""
        with self._lock:
            self._closing = True
            for job in self._jobs.values():
                _cancel(job)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _forget_old(self) -> None:
        done = [path for path, job in self._jobs.items() if job.future.done()]
        for path in done[: max(0, len(self._jobs) - _KEPT)]:
            del self._jobs[path]

    def _carry_out(self, job: SyncJob) -> SyncResult:
        before = job.before
        if before is not None:
            wait([before.future])
            with self._lock:  # from now on its request stays
                job.before = None
            if (
                before.state == "done"
                and before.request.covers(job.request)
                and before.question == question_of(job.path)
            ):
                return before.future.result()
        try:
            ended = self._carry_out_wherever(job)
        except NbrucioError:
            self._is_over(job, complete=False)
            raise
        self._is_over(job, complete=set(ended.states.values()) == {"ready"})
        return ended

    def _carry_out_wherever(self, job: SyncJob) -> SyncResult:
        while True:
            path = job.path
            try:
                ended = self._carry_out_at(job, path)
            except NbrucioError:
                if job.path == path:
                    raise
                continue
            # Kernels of a notebook that was renamed meanwhile are told under its new name, where all is here by now.
            if job.path == path:
                return ended

    def _carry_out_at(self, job: SyncJob, path: Path) -> SyncResult:
        try:
            return self._sync(job, path)
        except NbrucioError as error:
            explain(path, error, self._log)
            raise
        except Exception as error:
            self._log.exception("nbrucio: the sync of %s ended by a fault", path)
            fault = NbrucioError(f"This is a fault in nbrucio: {type(error).__name__}: {error}", hint="Report it.")
            explain(path, fault, self._log)
            raise fault from error

    def _sync(self, job: SyncJob, path: Path) -> SyncResult:
        job.question = question_of(path)
        config = self._configure()
        unasked = not job.request.explicit and not job.request.refresh
        cached = cached_status([path], config, synced=True) if unasked else None
        if cached is not None:
            return SyncResult.from_cache(cached[0], config)
        found = status([path], config, publish_ready=unasked).notebooks[0]
        if found.manifest is not None:
            renew(path, config)  # of what Rucio brought to a mounted RSE; asks nobody unless something is due
            return SyncResult.of(found)
        return SyncResult.of(self._bring(job, found, config))

    def _bring(self, job: SyncJob, found: NotebookReport, config: Config) -> NotebookReport:
        announce(found, self._log)
        self._tell(job)
        if job.cancel.is_set():
            raise Interrupted("The sync was stopped.", next_command=f"nbrucio sync {found.path}")
        if not job.request.explicit:
            unfinished = self._under_way.of(found.path) if _resumes(job.request) else ()
            config = limited(config, found, job.request.budget_bytes, self._grants, unfinished)
        reporter = Throttled(lambda progress: self._progress(job, progress))
        options = Options(refresh=job.request.refresh, offline=job.request.offline)
        begins = partial(self._begins, job) if job.request.explicit else None
        report = sync(
            [found.path], config, options=options, reporter=reporter, cancel=job.cancel, begins=begins
        ).notebooks[0]
        job.progress = reporter.progress
        return report if job.request.explicit else ask_for_consent(report)

    def _begins(self, job: SyncJob, wanted: Sequence[Wanted]) -> None:
        """Keep what the user agreed to before the first byte of it is downloaded."""
        if not job.request.once:
            agree(self._grants, wanted, self._log)
        try:
            self._under_way.keep(job.path, wanted)
        except OSError as error:
            self._log.warning("nbrucio: a server that is started anew will not resume this sync: %s", error)

    def _is_over(self, job: SyncJob, *, complete: bool) -> None:
        """Consent for once ends with its run, also with the one that takes it up in a server that was started anew."""
        if self._closing or not (complete or job.request.explicit or _resumes(job.request)):
            return
        try:
            self._under_way.end(job.path)
        except OSError as error:
            self._log.warning("nbrucio: opening %s may resume a sync that is over: %s", job.path, error)

    def _progress(self, job: SyncJob, progress: Progress) -> None:
        job.progress = progress
        with suppress(OSError):  # kernels then wait without figures
            write_progress(job.path, progress.totals())
        self._tell(job)


def question_of(path: Path) -> str | None:
    """A digest of what the notebook at ``path`` declares; None when it cannot be read."""
    try:
        notebook = load_notebook(path)
    except NbrucioError:
        return None
    asked = [notebook.value(), notebook.metadata.get(ATTACHMENTS_KEY)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _resumes(request: SyncRequest) -> bool:
    """Whether a run that nobody asked for takes up one that did not end: not where opening downloads nothing."""
    return request.budget_bytes != 0 and not request.offline


def _known(last: SyncJob | None) -> Mapping[str, LockEntry]:
    if last is None:
        return {}
    return last.future.result().locks if last.state == "done" else last.known


def _cancel(job: SyncJob) -> None:
    for each in _with_those_before(job):
        each.cancel.set()


def _with_those_before(job: SyncJob) -> Iterator[SyncJob]:
    each: SyncJob | None = job
    while each is not None:
        yield each
        each = each.before


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _is_recent(last: SyncJob, request: SyncRequest) -> bool:
    if request.explicit or request.refresh or request.again or last.state == "failed":
        return False
    return time.monotonic() - last.started < REOPEN_S
