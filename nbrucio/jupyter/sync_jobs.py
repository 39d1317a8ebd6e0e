"""The syncs of this server: in threads, one at a time for each notebook; equal requests share one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from contextlib import suppress
from functools import partial
from logging import Logger
from pathlib import Path

from nbrucio.config import Config, load
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.planner import Wanted
from nbrucio.core.report import NotebookReport
from nbrucio.disk.libraries import unexpected
from nbrucio.errors import Interrupted, NbrucioError
from nbrucio.jupyter import metrics
from nbrucio.jupyter.consent import agree, ask_for_consent, limited
from nbrucio.jupyter.daemon_pool import DaemonPool
from nbrucio.jupyter.kernel_notice import announce, explain
from nbrucio.jupyter.sync_job import SyncJob, SyncRequest, SyncResult, question_of, with_those_before
from nbrucio.jupyter.underway import UnderWay
from nbrucio.kernel.asked import Asked
from nbrucio.notebook.ipynb import load as load_notebook
from nbrucio.operations.grants import Grants
from nbrucio.pipeline.cached_status import cached_status
from nbrucio.pipeline.manifest_files import write_progress
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.progress import Progress, Throttled
from nbrucio.pipeline.renew_rules import renew
from nbrucio.pipeline.run import sync
from nbrucio.pipeline.status import status

#: Opening a notebook again within this time starts no sync.
REOPEN_S = 60.0
#: Threads are cheap, and one that waits for a silent server must not keep other notebooks waiting.
WORKERS = 16
#: How many notebooks' results are remembered for the panel and the save hook.
_KEPT = 200


class SyncJobs:
    """Starts, shares and cancels syncs, and remembers their results. Thread-safe; no method blocks.

    Args:
        tell: called from a worker thread with a sync whenever it has progressed.
        log: for errors of nbrucio itself.
        grants: the user's consent to downloads.
        configure: reads the configuration, once for each sync.
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
        """Return the sync for the notebook at ``path``: the running one, the last one if it was just opened, or a new
        one.

        If the running sync has fewer permissions or was cancelled, a new one starts after it.

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
        """Return the last sync of the notebook at ``path``, finished or not."""
        with self._lock:
            return self._jobs.get(path.resolve())

    def resolved(self, path: Path) -> Mapping[str, LockEntry]:
        """Return by handle the lock entries of this notebook's last successful sync, without reading a file."""
        return _known(self.last(path))

    def is_outdated(self, path: Path) -> bool:
        """Whether the declaration of the notebook at ``path`` differs from that of its last sync. Reads the file."""
        job = self.last(path)
        if job is None or job.before is not None or job.question == question_of(path):
            return False
        try:
            asked = Asked(load_notebook(path).metadata)
        except NbrucioError:
            return False
        return job.state != "done" or not job.future.result().is_answer(asked)

    def cancel(self, path: Path) -> bool:
        """Cancel the sync of this notebook; return False if none is running. Downloaded data stays."""
        job = self.last(path)
        if job is None or job.state != "syncing":
            return False
        _cancel(job)
        return True

    def moved(self, names: Mapping[Path, Path]) -> None:
        """Move the syncs of renamed notebooks, old path to new. A running one continues."""
        with self._lock:
            for old, new in names.items():
                with suppress(OSError):  # the user is then asked for consent again where needed
                    self._under_way.moved(old, new)
                if (last := self._jobs.pop(old, None)) is None:
                    continue
                self._jobs[new] = last
                for job in with_those_before(last):
                    job.path = new

    def close(self) -> None:
        """Cancel every sync and wait a few seconds for their end. Unfinished files resume at the next sync."""
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
            with self._lock:  # its request no longer changes
                job.before = None
            if (
                before.state == "done"
                and before.request.covers(job.request)
                and before.question == question_of(job.path)
            ):
                return before.future.result()
        try:
            ended = self._carry_out_wherever(job)
        except NbrucioError as error:
            self._is_over(job, complete=False)
            metrics.count(job.progress, error)
            raise
        self._is_over(job, complete=set(ended.states.values()) == {"ready"})
        metrics.count(job.progress, ended)
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
            # A notebook that was renamed meanwhile is published again under its new name, which downloads nothing.
            if job.path == path:
                return ended

    def _carry_out_at(self, job: SyncJob, path: Path) -> SyncResult:
        try:
            return self._sync(job, path)
        except NbrucioError as error:
            explain(path, error, self._log)
            raise
        except Exception as error:
            self._log.exception("nbrucio: the sync of %s ended with an error of nbrucio", path)
            fault = unexpected(error)
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
            renew(path, config)  # rules of data on mounted RSEs; asks Rucio only when one is due
            return SyncResult.of(found)
        return SyncResult.of(self._download(job, found, config))

    def _download(self, job: SyncJob, found: NotebookReport, config: Config) -> NotebookReport:
        announce(found, self._log)
        self._tell(job)
        if job.cancel.is_set():
            raise Interrupted("The sync was cancelled.", next_command=f"nbrucio sync {found.path}")
        if not job.request.explicit:
            unfinished = self._under_way.of(found.path) if _resumes(job.request) else ()
            config = limited(config, found, job.request.budget_bytes, self._grants, unfinished)
        reporter = Throttled(lambda progress: self._progress(job, progress))
        options = Options(refresh=job.request.refresh, offline=job.request.offline)
        begins = partial(self._begins, job) if job.request.explicit else None
        try:
            report = sync(
                [found.path],
                config,
                options=options,
                reporter=reporter,
                cancel=job.cancel,
                begins=begins,
                revise=None if job.request.explicit else ask_for_consent,
            )
        finally:
            job.progress = reporter.progress
        return report.notebooks[0]

    def _begins(self, job: SyncJob, wanted: Sequence[Wanted]) -> None:
        """Remember the user's consent before the first byte is downloaded."""
        if not job.request.once:
            agree(self._grants, wanted, self._log)
        try:
            self._under_way.keep(job.path, wanted)
        except OSError as error:
            self._log.warning("nbrucio: a restarted server will not resume this sync: %s", error)

    def _is_over(self, job: SyncJob, *, complete: bool) -> None:
        """End consent for once with its sync, or with the one that resumes it after a restart of the server."""
        if self._closing or not (complete or job.request.explicit or _resumes(job.request)):
            return
        try:
            self._under_way.end(job.path)
        except OSError as error:
            self._log.warning("nbrucio: opening %s may resume a sync that has ended: %s", job.path, error)

    def _progress(self, job: SyncJob, progress: Progress) -> None:
        job.progress = progress
        with suppress(OSError):  # kernels then wait without progress
            write_progress(job.path, progress.totals())
        self._tell(job)


def _resumes(request: SyncRequest) -> bool:
    """Whether this may resume a sync that the server's end interrupted, which requires downloads on opening."""
    return request.budget_bytes != 0 and not request.offline


def _known(last: SyncJob | None) -> Mapping[str, LockEntry]:
    if last is None:
        return {}
    return last.future.result().locks if last.state == "done" else last.known


def _cancel(job: SyncJob) -> None:
    for each in with_those_before(job):
        each.cancel.set()


def _is_recent(last: SyncJob, request: SyncRequest) -> bool:
    if request.explicit or request.refresh or request.again or last.state == "failed":
        return False
    return time.monotonic() - last.started < REOPEN_S
