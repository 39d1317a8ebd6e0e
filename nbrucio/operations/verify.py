"""Read all stored and mounted files again, and compare them with the catalogue's checksums and the notebook's lock."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.events import FileFinished, Reporter
from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.lock_errors import other_bytes
from nbrucio.core.named import named
from nbrucio.core.plan import Access, FileKey, ResolvedRequirement
from nbrucio.core.report import FileReport, RequirementReport, StatusReport
from nbrucio.disk.read import open_regular
from nbrucio.errors import IntegrityError, NbrucioError, Unavailable, envelope, exit_code_for
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.status import status
from nbrucio.store.checksums import Sums, sum_file, wants_md5
from nbrucio.store.fs import REAL
from nbrucio.store.objects import Examined


@dataclass(frozen=True)
class Verified:
    """Result of a verification.

    Attributes:
        report: a status in which every wrong file is MISSING with an `IntegrityError`, and correct stored files are
            STORE.
        files, size_bytes: files and bytes read; a file of several requirements counts for each.
        wrong: one error per wrong file.
        unresolved: errors of requirements whose files are unknown.
    """

    report: StatusReport
    files: int
    size_bytes: int
    wrong: tuple[NbrucioError, ...]
    unresolved: tuple[NbrucioError, ...] = ()

    def errors(self) -> Iterator[NbrucioError]:
        """Yield the errors of notebooks and requirements, and one for each wrong file. Missing files are not errors."""
        yield from (*self.report.errors(), *self.unresolved, *self.wrong)

    @property
    def exit_code(self) -> int:
        """0 when no file is wrong and everything could be examined, else the code of the most serious error."""
        return exit_code_for(self.errors())

    def as_json(self) -> dict[str, object]:
        """Return the whole verification as a JSON-ready mapping."""
        verified = {"verified_files": self.files, "verified_bytes": self.size_bytes}
        return {**self.report.as_json(), **envelope(self.errors()), **verified}


def verify(
    paths: Sequence[Path], config: Config, *, variant: str | None = None, reporter: Reporter | None = None
) -> Verified:
    """Verify the stored and mounted files that the notebooks at ``paths`` declare; does not use the network.

    Every complete file in the store is read. A correct file gets a record, so that a restored or copied store can be
    used. A wrong file is removed, and the next sync downloads it. Mounted files are never changed.
    """
    report = status(paths, config, variant=variant, local=True)
    with RunContext(config, reporter) as run:
        reading = _Reading(run)
        notebooks = tuple(
            notebook._replace(requirements=tuple(map(reading.requirement, notebook.requirements)))
            for notebook in report.notebooks
        )
    unresolved = tuple(
        error
        for book in notebooks
        for error in named((one.resolved.error for one in book.requirements if one.resolved.error), book.path)
    )
    found = report._replace(notebooks=notebooks)
    return Verified(found, reading.files, reading.size_bytes, tuple(reading.wrong), unresolved)


class _Reading:
    """Reads and counts files; ``wrong`` has one error per wrong file."""

    def __init__(self, run: RunContext) -> None:
        self.files = 0
        self.size_bytes = 0
        self.wrong: list[NbrucioError] = []
        self._run = run
        self._examined: dict[FileKey, Examined] = {}
        self._places: dict[str, Mapping[Did, tuple[Replica, ...]]] = {}

    def requirement(self, requirement: RequirementReport) -> RequirementReport:
        """Return ``requirement`` after reading each of its files."""
        return requirement._replace(files=tuple(self._file(requirement.resolved, file) for file in requirement.files))

    def _file(self, resolved: ResolvedRequirement, file: FileReport) -> FileReport:
        if file.access is Access.STREAM:
            return file
        try:
            found = self._mounted(resolved, file) if file.access is Access.MOUNT else self._stored(resolved, file)
        except NbrucioError as error:
            found = _missing(file, error)
        found = found or self._at_mount(resolved, file)
        if found is None:
            return file._replace(access=Access.MISSING) if file.access is Access.REREAD else file
        if found.error is not None:
            self.wrong.append(found.error)
        self.files += 1
        # The store knows the size if Rucio does not.
        size_bytes = file.entry.size_bytes or (found.stat[0] if found.stat else 0)
        self.size_bytes += size_bytes
        self._run.reporter.report(FileFinished(file.entry.did, size_bytes))
        return found

    def _stored(self, resolved: ResolvedRequirement, file: FileReport) -> FileReport | None:
        """Return the file in the store; None when it is missing."""
        key = (resolved.instance, file.entry.did)
        examined = self._examined.get(key)
        if examined is None:
            examined = self._examined[key] = self._run.store.examine(resolved.instance, file.entry)
        stored = examined.stored
        if stored is None:
            return None if examined.problem is None else _missing(file, _damaged(file.entry, examined))
        # An error of the plan remains if no checksum can disprove it.
        refused = file.error if isinstance(file.error, IntegrityError) else None
        error = other_bytes(resolved, file.entry, stored.sha256) or refused
        if error is not None:
            return _missing(file, error)
        return file._replace(access=Access.STORE, where=stored.where, stat=stored.stat, error=None)

    def _at_mount(self, resolved: ResolvedRequirement, file: FileReport) -> FileReport | None:
        """Return the error for an unused file at the recorded place on a mounted RSE; None without a file."""
        if resolved.lock is None:
            return None
        if resolved.lock.digest not in self._places:
            self._places[resolved.lock.digest] = self._run.replica_places.read(resolved.instance, resolved.lock.digest)
        replicas = self._places[resolved.lock.digest].get(file.entry.did, ())
        instance = self._run.config.instance(resolved.instance)
        paths = (instance.local_path(replica.rse, replica.pfn) for replica in replicas)
        path = next((path for path in paths if path is not None and os.path.lexists(path)), None)
        if path is None:
            return None
        return _missing(
            file, _wrong_at_mount(file.entry, path, "another size, is not a file, or leads out of the mounts")
        )

    def _mounted(self, resolved: ResolvedRequirement, file: FileReport) -> FileReport:
        try:
            sums = _sums(file)
        except OSError as error:
            raise Unavailable(f"{file.path} cannot be read: {error.strerror}.", subject=str(file.entry.did)) from error
        mismatch = sums.mismatch(file.entry)
        if mismatch is None:
            other = other_bytes(resolved, file.entry, sums.sha256)
            return file if other is None else _missing(file, other)
        assert file.path is not None
        return _missing(file, _wrong_at_mount(file.entry, file.path, mismatch))


def _wrong_at_mount(entry: FileEntry, path: Path, problem: str) -> IntegrityError:
    return IntegrityError(
        f"{entry.did} is damaged on the mounted RSE: {path} has {problem}.",
        subject=str(entry.did),
        hint='Report it to the site, or declare {"access": "download"} to use another replica.',
    )


def _missing(file: FileReport, error: NbrucioError) -> FileReport:
    return file._replace(access=Access.MISSING, where=None, stat=None, error=error)


def _damaged(entry: FileEntry, examined: Examined) -> IntegrityError:
    removed = " and was removed" if examined.removed else ""
    return IntegrityError(
        f"The cached file of {entry.did} was damaged{removed}: {examined.problem}.",
        subject=str(entry.did),
        hint="Run `nbrucio sync` with the notebook to download it again.",
    )


def _sums(file: FileReport) -> Sums:
    assert file.path is not None
    with open_regular(file.path, sys.maxsize) as opened:
        return sum_file(REAL, opened.fileno(), want_md5=wants_md5(file.entry), before_block=lambda: None).result()
