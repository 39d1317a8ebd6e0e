"""Follow a real look at notebooks' data, and keep what it saw for the next `nbrucio.glance`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from nbrucio import sidecar
from nbrucio.engine import Engine
from nbrucio.glance import question_of
from nbrucio.manifest import plain_path
from nbrucio.notebook import Notebook
from nbrucio.plan import Access, Target
from nbrucio.report import NotebookReport
from nbrucio.store import Stored
from nbrucio.store.seen import Row, Seen, Stat, Watch, stat_of


class Lookout:
    """One look. Begin it before the store is looked at.

    Args:
        engine: of the run.
        after_commit: this process committed objects just now.
    """

    def __init__(self, engine: Engine, *, after_commit: bool = False) -> None:
        self._engine = engine
        self._watch: Watch | None = engine.sightings.watch(after_commit=after_commit)
        self._stats: dict[str, Stat] = {}

    def saw(self, stored: Stored) -> None:
        """Note an object that is part of an answer."""
        if self._watch is not None:
            self._stats[stored.where] = stored.stat

    def again(self, brought: Iterable[Stored]) -> Lookout:
        """A new look, after a commit, at the objects that this one saw and those ``brought`` since.

        They were verified, so it only has to see that they still are as they were then.
        """
        look = Lookout(self._engine, after_commit=True)
        known = self._stats | {stored.where: stored.stat for stored in brought}
        look._stats = {path: stat for path, stat in known.items() if stat_of(path) == stat}
        return look

    def keep(
        self,
        notebook: Notebook,
        variant: str | None,
        rows: Iterable[Row],
        targets: Iterable[Target],
        paths: Iterable[str],
        told: NotebookReport | None = None,
    ) -> None:
        """Keep the totals of a notebook that was resolved whole, and whose files are in the store or missing.

        Args:
            variant: what was asked for.
            rows: one for each requirement, in the order of the declaration.
            targets: what was resolved.
            paths: of the objects on which the rows rest; the answer is not kept unless all of them were seen.
            told: what kernels were told, after a sync that found nothing missing.
        """
        if self._watch is None:
            return
        try:
            lines = [self._engine.sightings.object_line(path, self._stats[path]) for path in paths]
        except KeyError:
            return
        witnesses = {path: stat_of(path) for path in self._witnesses(notebook.path, targets, told)}
        manifest = str(told.manifest) if told is not None and told.manifest is not None else None
        seen = Seen(question_of(notebook, self._engine.given, variant), tuple(rows), witnesses, manifest)
        self._engine.sightings.keep(notebook.path, self._watch, seen, lines)

    def _witnesses(self, notebook: Path, targets: Iterable[Target], told: NotebookReport | None) -> Iterator[str]:
        """The files besides objects on which an answer rests: lists and locks, remembered places, what kernels read."""
        yield str(sidecar.path_for(notebook).absolute())
        yield str(self._engine.resolutions.notebook_path(notebook))
        for target in targets:
            if target.lock is not None:
                yield str(self._engine.resolutions.list_path(target.lock.digest))
                yield str(self._engine.places.path(target.instance, target.lock.digest))
        if told is not None and told.manifest is not None:
            yield str(told.manifest)
            yield str(plain_path(told.manifest))
            for requirement in told.requirements:
                if requirement.folder is not None:
                    yield str(requirement.folder)
                    yield os.path.realpath(requirement.folder)


def keep_look(
    lookout: Lookout, report: NotebookReport, notebook: Notebook, variant: str | None, *, synced: bool = False
) -> None:
    """Keep what stands in ``report``, if it is of the kind that a glance can tell again.

    Args:
        synced: kernels were told of it too; such a report is kept only when nothing is missing.
    """
    requirements = report.requirements
    if report.faults or any(one.target.error is not None or one.target.drift is not None for one in requirements):
        return
    if synced and any(one.state != "ready" for one in requirements):
        return
    files = [file for one in requirements for file in one.files]
    if any(file.access in (Access.MOUNT, Access.STREAM, Access.REREAD) for file in files):
        return
    paths = (file.where for file in files if file.where is not None)
    targets = [one.target for one in requirements]
    rows = (one.row() for one in requirements)
    lookout.keep(notebook, variant, rows, targets, paths, report if synced else None)
