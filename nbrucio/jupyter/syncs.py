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

from nbrucio.config import Config, load
from nbrucio.consent import Grants
from nbrucio.errors import Interrupted, NbrucioError
from nbrucio.glance import ATTACHMENTS_KEY, glance
from nbrucio.jupyter.ended import Ended
from nbrucio.jupyter.handoff import announce, explain
from nbrucio.jupyter.permission import agree, limited, reworded
from nbrucio.jupyter.progress import Progress, Throttled
from nbrucio.jupyter.threads import DaemonPool
from nbrucio.jupyter.underway import UnderWay
from nbrucio.kernel.asked import Asked
from nbrucio.lock import LockEntry
from nbrucio.manifest import write_progress
from nbrucio.notebook import load as load_notebook
from nbrucio.plan import Wanted
from nbrucio.renewal import renew
from nbrucio.report import NotebookReport
from nbrucio.sync import Options, status, sync

#: Opening a notebook again so soon starts nothing.
REOPEN_S = 60.0
#: Threads are cheap, and one that waits for a silent server must not keep other notebooks waiting.
WORKERS = 16
#: Results of so many notebooks are kept for the panel and the save hook.
_KEPT = 200


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes:
        explicit: the user asked for this sync, which is consent to what it downloads; otherwise grants decide.
        budget_bytes: without an explicit wish, at most so much is downloaded; None for no limit but the machine's.
        offline: only what is here is looked at.
        refresh: ask the catalogue again.
        once: an explicit wish is no consent for later.
        again: also when the notebook was opened a moment ago.
    """

    explicit: bool = False
    budget_bytes: int | None = None
    offline: bool = False
    refresh: bool = False
    once: bool = False
    again: bool = False

    def covers(self, other: Wish) -> bool:
        """Whether a sync with this wish does all that one with the ``other`` may do."""
        if other.explicit:
            allowed = self.explicit and (other.once or not self.once)
        else:
            allowed = self.explicit or _least(self.budget_bytes, other.budget_bytes) == other.budget_bytes
        return allowed and self.refresh >= other.refresh and self.offline <= other.offline

    def joined(self, other: Wish) -> Wish:
        """The least wish that covers both."""
        if self.covers(other):
            return self
        both = self.budget_bytes, other.budget_bytes
        return Wish(
            explicit=self.explicit or other.explicit,
            budget_bytes=None if None in both else max(self.budget_bytes or 0, other.budget_bytes or 0),
            offline=self.offline and other.offline,
            refresh=self.refresh or other.refresh,
            once=all(wish.once for wish in (self, other) if wish.explicit) and (self.explicit or other.explicit),
            again=self.again or other.again,
        )


@dataclass
class Run:
    """A sync that was started. ``future`` gives its end, or raises `NbrucioError`.

    Attributes:
        before: the run of the same notebook for whose end this one waits; None once it has begun.
        followed: another one waits for this, which is not the end of what was asked for.
        known: by handle, what the runs before it resolved.
        question: what its notebook declared when it began, see `question_of`; None when that is not known.
    """

    path: Path
    wish: Wish
    started: float
    before: Run | None = None
    followed: bool = False
    known: Mapping[str, LockEntry] = field(default_factory=dict)
    question: str | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    progress: Progress = field(default_factory=Progress)
    future: Future[Ended] = field(default_factory=Future)

    @property
    def state(self) -> str:
        """``syncing``, ``done`` or ``failed`` (the run as a whole; a single requirement's failure is in the report)."""
        if not self.future.done():
            return "syncing"
        return "failed" if self.future.cancelled() or self.future.exception() else "done"


class Syncs:
    """Starts, shares, cancels and remembers syncs. Its methods return at once and may be called from any thread.

    Args:
        tell: called, from a worker's thread, with a run whenever there is something new to say of it.
        log: where a fault of ours goes.
        grants: what was agreed to.
        configure: reads the configuration, anew for each sync.
    """

    def __init__(
        self, tell: Callable[[Run], None], log: Logger, grants: Grants, configure: Callable[[], Config] = load
    ) -> None:
        self._tell = tell
        self._log = log
        self._grants = grants
        self._configure = configure
        self._pool = DaemonPool(WORKERS, "nbrucio-sync")
        self._lock = threading.Lock()
        self._runs: dict[Path, Run] = {}
        self._under_way = UnderWay(grants.folder / "under-way")
        self._closing = False

    def start(self, path: Path, wish: Wish) -> Run:
        """A run for the notebook at ``path``: the one under way, the last one if it was just opened, or a new one.

        One under way that may do less, or was stopped, is followed by a new one, which begins when it is over.

        Raises:
            RuntimeError: the server is closing.
        """
        path = path.resolve()
        with self._lock:
            last = self._runs.get(path)
            under_way = last if last is not None and last.state == "syncing" else None
            if last is not None and not last.cancel.is_set():
                if last.before is not None:
                    last.wish = last.wish.joined(wish)
                waits = last.before is not None
                if last.wish.covers(wish) and (waits or (under_way and not wish.again) or _is_recent(last, wish)):
                    return last
            run = Run(path, wish, time.monotonic(), before=under_way, known=_known(last))
            future = self._pool.submit(self._carry_out, run)
            if under_way is not None:
                under_way.followed = True
            run.future = future
            self._runs.pop(path, None)  # so that it comes last, and the oldest first
            self._runs[path] = run
            self._forget_old()
        run.future.add_done_callback(lambda _future: None if run.followed else self._tell(run))
        return run

    def last(self, path: Path) -> Run | None:
        """The last run for the notebook at ``path``, finished or not."""
        with self._lock:
            return self._runs.get(path.resolve())

    def resolved(self, path: Path) -> Mapping[str, LockEntry]:
        """By handle, what the last sync of this notebook that ended well resolved. Reads no file."""
        return _known(self.last(path))

    def is_outdated(self, path: Path) -> bool:
        """Whether the notebook at ``path`` asks for something else than its last run answers. Reads the file."""
        run = self.last(path)
        if run is None or run.before is not None or run.question == question_of(path):
            return False
        try:
            asked = Asked(load_notebook(path).metadata)
        except NbrucioError:
            return False
        return run.state != "done" or not run.future.result().is_answer(asked)

    def cancel(self, path: Path) -> bool:
        """Stop the run for this notebook; False when none is under way. What has arrived stays."""
        run = self.last(path)
        if run is None or run.state != "syncing":
            return False
        _cancel(run)
        return True

    def moved(self, names: Mapping[Path, Path]) -> None:
        """Let the runs of notebooks that were renamed, old path to new, follow them. One under way goes on."""
        with self._lock:
            for old, new in names.items():
                with suppress(OSError):  # then consent is asked for again, where it is needed
                    self._under_way.moved(old, new)
                if (last := self._runs.pop(old, None)) is None:
                    continue
                self._runs[new] = last
                for run in _with_those_before(last):
                    run.path = new

    def close(self) -> None:
        """Stop every run, and wait a few seconds for those that can stop. Unfinished files resume at the next sync."""
        with self._lock:
            self._closing = True
            for run in self._runs.values():
                _cancel(run)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _forget_old(self) -> None:
        done = [path for path, run in self._runs.items() if run.future.done()]
        for path in done[: max(0, len(self._runs) - _KEPT)]:
            del self._runs[path]

    def _carry_out(self, run: Run) -> Ended:
        before = run.before
        if before is not None:
            wait([before.future])
            with self._lock:  # from now on its wish stays
                run.before = None
            if before.state == "done" and before.wish.covers(run.wish) and before.question == question_of(run.path):
                return before.future.result()
        try:
            ended = self._carry_out_wherever(run)
        except NbrucioError:
            self._is_over(run, complete=False)
            raise
        self._is_over(run, complete=set(ended.states.values()) == {"ready"})
        return ended

    def _carry_out_wherever(self, run: Run) -> Ended:
        while True:
            path = run.path
            try:
                ended = self._carry_out_at(run, path)
            except NbrucioError:
                if run.path == path:
                    raise
                continue
            # Kernels of a notebook that was renamed meanwhile are told under its new name, where all is here by now.
            if run.path == path:
                return ended

    def _carry_out_at(self, run: Run, path: Path) -> Ended:
        try:
            return self._sync(run, path)
        except NbrucioError as error:
            explain(path, error, self._log)
            raise
        except Exception as error:
            self._log.exception("nbrucio: the sync of %s ended by a fault", path)
            fault = NbrucioError(f"This is a fault in nbrucio: {type(error).__name__}: {error}", hint="Report it.")
            explain(path, fault, self._log)
            raise fault from error

    def _sync(self, run: Run, path: Path) -> Ended:
        run.question = question_of(path)
        config = self._configure()
        unasked = not run.wish.explicit and not run.wish.refresh
        glances = glance([path], config, synced=True) if unasked else None
        if glances is not None:
            return Ended.seen(glances[0], config)
        found = status([path], config, tell=unasked).notebooks[0]
        if found.manifest is not None:
            renew(path, config)  # of what Rucio brought to a mounted RSE; asks nobody unless something is due
            return Ended.of(found)
        return Ended.of(self._bring(run, found, config))

    def _bring(self, run: Run, found: NotebookReport, config: Config) -> NotebookReport:
        announce(found, self._log)
        self._tell(run)
        if run.cancel.is_set():
            raise Interrupted("The sync was stopped.", next_command=f"nbrucio sync {found.path}")
        if not run.wish.explicit:
            unfinished = self._under_way.of(found.path) if _resumes(run.wish) else ()
            config = limited(config, found, run.wish.budget_bytes, self._grants, unfinished)
        reporter = Throttled(lambda progress: self._progress(run, progress))
        options = Options(refresh=run.wish.refresh, offline=run.wish.offline)
        begins = partial(self._begins, run) if run.wish.explicit else None
        report = sync(
            [found.path], config, options=options, reporter=reporter, cancel=run.cancel, begins=begins
        ).notebooks[0]
        run.progress = reporter.progress
        return report if run.wish.explicit else reworded(report)

    def _begins(self, run: Run, wanted: Sequence[Wanted]) -> None:
        """Keep what the user agreed to before the first byte of it is downloaded."""
        if not run.wish.once:
            agree(self._grants, wanted, self._log)
        try:
            self._under_way.keep(run.path, wanted)
        except OSError as error:
            self._log.warning("nbrucio: a server that is started anew will not resume this sync: %s", error)

    def _is_over(self, run: Run, *, complete: bool) -> None:
        """Consent for once ends with its run, also with the one that takes it up in a server that was started anew."""
        if self._closing or not (complete or run.wish.explicit or _resumes(run.wish)):
            return
        try:
            self._under_way.end(run.path)
        except OSError as error:
            self._log.warning("nbrucio: opening %s may resume a sync that is over: %s", run.path, error)

    def _progress(self, run: Run, progress: Progress) -> None:
        run.progress = progress
        with suppress(OSError):  # kernels then wait without figures
            write_progress(run.path, progress.totals())
        self._tell(run)


def question_of(path: Path) -> str | None:
    """A digest of what the notebook at ``path`` declares; None when it cannot be read."""
    try:
        notebook = load_notebook(path)
    except NbrucioError:
        return None
    asked = [notebook.value(), notebook.metadata.get(ATTACHMENTS_KEY)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _resumes(wish: Wish) -> bool:
    """Whether a run that nobody asked for takes up one that did not end: not where opening downloads nothing."""
    return wish.budget_bytes != 0 and not wish.offline


def _known(last: Run | None) -> Mapping[str, LockEntry]:
    if last is None:
        return {}
    return last.future.result().locks if last.state == "done" else last.known


def _cancel(run: Run) -> None:
    for each in _with_those_before(run):
        each.cancel.set()


def _with_those_before(run: Run) -> Iterator[Run]:
    each: Run | None = run
    while each is not None:
        yield each
        each = each.before


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _is_recent(last: Run, wish: Wish) -> bool:
    if wish.explicit or wish.refresh or wish.again or last.state == "failed":
        return False
    return time.monotonic() - last.started < REOPEN_S
