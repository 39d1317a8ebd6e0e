"""Read every byte of what is here again, and hold it against the catalogue's checksums and the notebook's lock."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.events import FileFinished, Reporter
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.lock_errors import other_bytes
from nbrucio.core.plan import Access, FileKey, ResolvedRequirement
from nbrucio.core.report import FileReport, RequirementReport, SyncReport
from nbrucio.disk.read import open_regular
from nbrucio.errors import IntegrityError, NbrucioError, Unavailable
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.status import status
from nbrucio.store.checksums import Sums, sum_file, wants_md5
from nbrucio.store.fs import REAL
from nbrucio.store.objects import Examined


@dataclass(frozen=True)
class Verified:
    """What a verification found.

    Attributes:
        report: every file that is not right is MISSING with an `IntegrityError`; what is right in the store is there.
        files, size_bytes: what was read; a file that several requirements hold counts for each.
        wrong: what is not right, one error a file.
        unresolved: of requirements whose files are not known, why.
    """

    report: SyncReport
    files: int
    size_bytes: int
    wrong: tuple[NbrucioError, ...]
    unresolved: tuple[NbrucioError, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The whole verification as a JSON-ready mapping."""
        return {**self.report.as_json(), "verified_files": self.files, "verified_bytes": self.size_bytes}


def verify(
    paths: Sequence[Path], config: Config, *, variant: str | None = None, reporter: Reporter | None = None
) -> Verified:
    """Verify the files in the store and on mounts that the notebooks at ``paths`` declare; asks no server.

    Whatever lies in the store under a file's name is read. What is right gets a record, so that a store that was
    restored or copied is used again; a file that is wrong is removed, so that the next sync downloads it. On a mount
    nothing is touched.
    """
    report = status(paths, config, variant=variant)
    with RunContext(config, reporter) as run:
        reading = _Reading(run)
        notebooks = tuple(
            notebook._replace(requirements=tuple(map(reading.requirement, notebook.requirements)))
            for notebook in report.notebooks
        )
    unresolved = tuple(one.resolved.error for book in notebooks for one in book.requirements if one.resolved.error)
    found = report._replace(notebooks=notebooks)
    return Verified(found, reading.files, reading.size_bytes, tuple(reading.wrong), unresolved)


class _Reading:
    """Reads files and counts; ``wrong`` has an error for each that is not right."""

    def __init__(self, run: RunContext) -> None:
        self.files = 0
        self.size_bytes = 0
        self.wrong: list[NbrucioError] = []
        self._run = run
        self._examined: dict[FileKey, Examined] = {}
        self._places: dict[str, Mapping[Did, Replica]] = {}

    def requirement(self, requirement: RequirementReport) -> RequirementReport:
        """``requirement`` as it is after each of its files was read."""
        return requirement._replace(files=tuple(self._file(requirement.resolved, file) for file in requirement.files))

    def _file(self, target: ResolvedRequirement, file: FileReport) -> FileReport:
        if file.access is Access.STREAM:
            return file
        try:
            found = self._mounted(target, file) if file.access is Access.MOUNT else self._stored(target, file)
        except NbrucioError as error:
            found = _missing(file, error)
        found = found or self._at_mount(target, file)
        if found is None:
            return file._replace(access=Access.MISSING) if file.access is Access.REREAD else file
        if found.error is not None:
            self.wrong.append(found.error)
        self.files += 1
        # Where Rucio knows no size, the store does.
        size_bytes = file.entry.size_bytes or (found.stat[0] if found.stat else 0)
        self.size_bytes += size_bytes
        self._run.reporter.report(FileFinished(file.entry.did, size_bytes))
        return found

    def _stored(self, target: ResolvedRequirement, file: FileReport) -> FileReport | None:
        """The file as it is in the store; None when nothing lies there."""
        key = (target.instance, file.entry.did)
        examined = self._examined.get(key)
        if examined is None:
            examined = self._examined[key] = self._run.store.examine(target.instance, file.entry)
        stored = examined.stored
        if stored is None:
            return None if examined.problem is None else _missing(file, _damaged(file.entry, examined))
        # What the plan refuses, since nothing could show it to be wrong, a read does not make right.
        refused = file.error if isinstance(file.error, IntegrityError) else None
        fault = other_bytes(target, file.entry, stored.sha256) or refused
        if fault is not None:
            return _missing(file, fault)
        return file._replace(access=Access.STORE, where=stored.where, stat=stored.stat, error=None)

    def _at_mount(self, target: ResolvedRequirement, file: FileReport) -> FileReport | None:
        """What lies on a mounted RSE where the file was, and is not taken for it; None when nothing does."""
        if target.lock is None:
            return None
        if target.lock.digest not in self._places:
            self._places[target.lock.digest] = self._run.replica_places.read(target.instance, target.lock.digest)
        replica = self._places[target.lock.digest].get(file.entry.did)
        instance = self._run.config.instance(target.instance)
        path = instance.local_path(replica.rse, replica.pfn) if replica is not None else None
        if path is None or not os.path.lexists(path):
            return None
        return _missing(
            file, _wrong_at_mount(file.entry, path, "another size, is not a file, or leads out of the mounts")
        )

    def _mounted(self, target: ResolvedRequirement, file: FileReport) -> FileReport:
        try:
            sums = _sums(file)
        except OSError as error:
            raise Unavailable(f"{file.path} cannot be read: {error.strerror}.", subject=str(file.entry.did)) from error
        fault = sums.mismatch(file.entry)
        if fault is None:
            other = other_bytes(target, file.entry, sums.sha256)
            return file if other is None else _missing(file, other)
        assert file.path is not None
        return _missing(file, _wrong_at_mount(file.entry, file.path, fault))


def _wrong_at_mount(entry: FileEntry, path: Path, fault: str) -> IntegrityError:
    return IntegrityError(
        f"{entry.did} is wrong on the mounted RSE: {path} has {fault}.",
        subject=str(entry.did),
        hint='Tell the site, or declare {"access": "download"} to have another replica.',
    )


def _missing(file: FileReport, error: NbrucioError) -> FileReport:
    return file._replace(access=Access.MISSING, where=None, stat=None, error=error)


def _damaged(entry: FileEntry, examined: Examined) -> IntegrityError:
    removed = " and was removed" if examined.removed else ""
    return IntegrityError(
        f"{entry.did} was damaged in the store{removed}: {examined.problem}.",
        subject=str(entry.did),
        hint="Run `nbrucio sync` with the notebook to download it again.",
    )


def _sums(file: FileReport) -> Sums:
    assert file.path is not None
    with open_regular(file.path, sys.maxsize) as opened:
        return sum_file(REAL, opened.fileno(), want_md5=wants_md5(file.entry), before_block=lambda: None).result()
