"""What the server remembers of a sync that is over: no more than the panel and the save hook ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nbrucio.config import Config
from nbrucio.errors import UnreadableFile
from nbrucio.glance import Glance
from nbrucio.handover import answer_to
from nbrucio.kernel.asked import Asked
from nbrucio.lock import LockEntry
from nbrucio.report import NotebookReport
from nbrucio.resolve import remembered_lock


class Ended(NamedTuple):
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
    def of(cls, report: NotebookReport) -> Ended:
        """What a sync reported."""
        by_handle = {one.target.requirement.handle: one for one in report.requirements}
        errors = {handle: [error.as_json() for error in one.errors()] for handle, one in by_handle.items()}
        return cls(
            {handle: one.state for handle, one in by_handle.items()},
            {handle: one.target.lock for handle, one in by_handle.items() if one.target.lock is not None},
            {handle: found for handle, found in errors.items() if found},
            {handle: one.target.drift for handle, one in by_handle.items() if one.target.drift},
            {handle: answer_to(report.asked, one.target) for handle, one in by_handle.items()} if report.asked else {},
        )

    @classmethod
    def seen(cls, glance: Glance, config: Config) -> Ended:
        """That nothing was to be done."""
        states = {row.handle: row.state for row in glance.rows}
        try:
            locks = remembered_lock(glance.path, config)
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
