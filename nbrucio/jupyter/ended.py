"""What the server remembers of a sync that is over: no more than the panel and the save hook ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nbrucio.config import Config
from nbrucio.errors import UnreadableFile
from nbrucio.glance import Glance
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
    """

    states: Mapping[str, str]
    locks: Mapping[str, LockEntry]
    errors: Mapping[str, Sequence[Mapping[str, object]]]
    drift: Mapping[str, str]

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
