"""One sync of the server: its request, its progress and its result."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import Config
from nbrucio.core.lockentry import LockEntry
from nbrucio.core.report import NotebookReport
from nbrucio.errors import NbrucioError, UnreadableFile
from nbrucio.kernel.asked import Asked
from nbrucio.notebook.base import ATTACHMENTS_KEY
from nbrucio.notebook.ipynb import load as load_notebook
from nbrucio.pipeline.cached_status import CachedStatus
from nbrucio.pipeline.progress import Progress
from nbrucio.pipeline.publish import answer_to
from nbrucio.pipeline.resolve import remembered_lock


class SyncResult(NamedTuple):
    """The result of a sync, by handle.

    Attributes:
        states: ``ready``, ``missing`` or ``failed``, of each requirement.
        locks: the lock entry of each resolved requirement.
        errors: of the requirements that are not ready, as JSON-ready mappings.
        drift: differences between Rucio and the lock, in words.
        answers: the synced request of each handle, see `Asked.answer`; None for a result from the status cache.
        faults: codes of the errors of the notebook itself and of its invalid requirements.
    """

    states: Mapping[str, str]
    locks: Mapping[str, LockEntry]
    errors: Mapping[str, Sequence[Mapping[str, object]]]
    drift: Mapping[str, str]
    answers: Mapping[str, Mapping[str, object] | None] | None = None
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: NotebookReport) -> SyncResult:
        """From the report of a sync."""
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
            tuple(fault.code for fault in report.faults),
        )

    @classmethod
    def from_cache(cls, cached: CachedStatus, config: Config) -> SyncResult:
        """From the status cache, when nothing had to be synced."""
        states = {row.handle: row.state for row in cached.rows}
        try:
            locks = remembered_lock(cached.path, config)
        except UnreadableFile:
            locks = {}  # a save then adds no locks to the notebook
        return cls(states, locks, {}, {})

    def is_answer(self, asked: Asked) -> bool:
        """Whether this is the result for the notebook's present declaration."""
        answers = self.answers
        return (
            answers is not None
            and set(asked.handles()) == set(answers)
            and all(asked.answered(handle, answer) for handle, answer in answers.items())
        )


@dataclass(frozen=True)
class SyncRequest:
    """The permissions of a sync.

    Attributes:
        explicit: the user started this sync, which is consent to its downloads; otherwise the grants decide.
        budget_bytes: download limit of a sync that is not explicit; None for the machine's limit only.
        offline: do not use the network.
        refresh: ask Rucio again about data that is resolved.
        once: the consent of an explicit request ends with this sync.
        again: start even if the notebook was opened a moment ago.
    """

    explicit: bool = False
    budget_bytes: int | None = None
    offline: bool = False
    refresh: bool = False
    once: bool = False
    again: bool = False

    def covers(self, other: SyncRequest) -> bool:
        """Whether a sync for this request has all permissions of ``other``."""
        if other.explicit:
            allowed = self.explicit and (other.once or not self.once)
        else:
            allowed = self.explicit or _least(self.budget_bytes, other.budget_bytes) == other.budget_bytes
        return allowed and self.refresh >= other.refresh and self.offline <= other.offline

    def merge(self, other: SyncRequest) -> SyncRequest:
        """Return the smallest request that covers both."""
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
    """A sync that was started. ``future`` returns its result, or raises `NbrucioError`.

    Attributes:
        before: the sync of the same notebook that this one waits for; None once this one has started.
        followed: another sync waits for this one, so its end is not the user's result yet.
        known: by handle, the lock entries that earlier syncs resolved.
        question: a digest of its notebook's declaration at the start, see `question_of`; None when unknown.
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
        """``syncing``, ``done`` or ``failed`` (as a whole; the failure of one requirement is in the report)."""
        if not self.future.done():
            return "syncing"
        return "failed" if self.future.cancelled() or self.future.exception() else "done"


def with_those_before(job: SyncJob) -> Iterator[SyncJob]:
    """``job`` and the syncs of its notebook that it waits for."""
    each: SyncJob | None = job
    while each is not None:
        yield each
        each = each.before


def question_of(path: Path) -> str | None:
    """Return a digest of the declaration at ``path``; None if it cannot be read."""
    try:
        notebook = load_notebook(path)
    except NbrucioError:
        return None
    asked = [notebook.value(), notebook.metadata.get(ATTACHMENTS_KEY)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
