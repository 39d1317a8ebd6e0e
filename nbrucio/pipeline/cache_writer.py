"""Record a status of notebooks' data for the next `nbrucio.pipeline.cached_status`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from nbrucio.core.plan import Access, ResolvedRequirement
from nbrucio.core.report import NotebookReport
from nbrucio.core.totals import RequirementTotals
from nbrucio.notebook import lock_file
from nbrucio.notebook.base import Notebook
from nbrucio.pipeline.cached_status import request_digest
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.manifest_files import plain_path
from nbrucio.state.status_cache import CacheEntry, Stat, StoreSnapshot, stat_of
from nbrucio.store import Stored


class StatusRecorder:
    """Records one status. Create it before the store is read.

    Args:
        run: the run.
        after_commit: whether this process has just committed objects.
    """

    def __init__(self, run: RunContext, *, after_commit: bool = False) -> None:
        self._run = run
        self._snapshot: StoreSnapshot | None = run.status_cache.snapshot(after_commit=after_commit)
        self._stats: dict[str, Stat] = {}
        self._changed = False

    def note(self, stored: Stored) -> None:
        """Record an object on which the status depends."""
        if self._snapshot is not None:
            self._stats[stored.where] = stored.stat

    def store_changed(self, committed: Mapping[str, Stat] = MappingProxyType({})) -> None:
        """Record that this run changed the store, with paths and stats of the objects that it ``committed``."""
        self._changed = True
        self._stats |= committed

    def settled(self) -> StatusRecorder:
        """Return a recorder of the same objects for the store after this run; this recorder if the run changed nothing.
        This run verified every object, so a stat shows whether one changed since.
        """
        if not self._changed:
            return self
        fresh = StatusRecorder(self._run, after_commit=True)
        fresh._stats = {path: stat for path, stat in self._stats.items() if stat_of(path) == stat}
        return fresh

    def save(
        self,
        notebook: Notebook,
        variant: str | None,
        rows: Iterable[RequirementTotals],
        requirements: Iterable[ResolvedRequirement],
        paths: Iterable[str],
        published: NotebookReport | None = None,
    ) -> None:
        """Save the totals of a completely resolved notebook whose files are stored or missing.

        Args:
            variant: the requested variant.
            rows: one for each requirement, in the order of the declaration.
            requirements: the resolved requirements.
            paths: those of the objects on which the rows depend; without one of them, the status is not cached.
            published: the kernels' manifest, after a sync that found nothing missing.
        """
        if self._snapshot is None:
            return
        try:
            lines = [self._run.status_cache.object_line(path, self._stats[path]) for path in paths]
        except KeyError:
            return
        witnesses = {path: stat_of(path) for path in self._witnesses(notebook.path, requirements, published)}
        manifest = str(published.manifest) if published is not None and published.manifest is not None else None
        entry = CacheEntry(request_digest(notebook, self._run.given, variant), tuple(rows), witnesses, manifest)
        self._run.status_cache.save(notebook.path, self._snapshot, entry, lines)

    def _witnesses(
        self, notebook: Path, requirements: Iterable[ResolvedRequirement], published: NotebookReport | None
    ) -> Iterator[str]:
        """Return the other files on which a status depends: lists, locks, remembered places and the manifest."""
        yield str(lock_file.path_for(notebook).absolute())
        yield str(self._run.resolutions.notebook_path(notebook))
        for resolved in requirements:
            if resolved.lock is not None:
                yield str(self._run.resolutions.list_path(resolved.lock.digest))
                yield str(self._run.replica_places.path(resolved.instance, resolved.lock.digest))
        if published is not None and published.manifest is not None:
            yield str(published.manifest)
            yield str(plain_path(published.manifest))
            for requirement in published.requirements:
                if requirement.folder is not None:
                    yield str(requirement.folder)
                    yield os.path.realpath(requirement.folder)


def record_status(recorder: StatusRecorder, report: NotebookReport, notebook: Notebook, variant: str | None) -> None:
    """Save the totals of ``report`` if they can be shown again without a full status. The totals of a published report
    are saved only when nothing is missing.
    """
    requirements, published = report.requirements, report.manifest is not None
    if report.faults or any(one.resolved.error is not None or one.resolved.drift is not None for one in requirements):
        return
    if published and any(one.state != "ready" for one in requirements):
        return
    files = [file for one in requirements for file in one.files]
    if any(file.access in (Access.MOUNT, Access.STREAM, Access.REREAD) for file in files):
        return
    paths = (file.where for file in files if file.where is not None)
    resolved = (one.resolved for one in requirements)
    rows = (one.row() for one in requirements)
    recorder.save(notebook, variant, rows, resolved, paths, report if published else None)
