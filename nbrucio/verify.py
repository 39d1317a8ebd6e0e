"""Read every byte of what is here again, and hold it against the catalogue's checksums and the notebook's lock."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbrucio.config import Config
from nbrucio.engine import Engine
from nbrucio.errors import IntegrityError, NbrucioError, Unavailable
from nbrucio.events import FileFinished, Reporter
from nbrucio.lockfaults import other_bytes
from nbrucio.plan import Access, Target
from nbrucio.report import FileReport, RequirementReport, SyncReport
from nbrucio.store.fs import REAL
from nbrucio.store.partial import sum_file
from nbrucio.store.record import Sums, wants_md5
from nbrucio.sync import status


@dataclass(frozen=True)
class Verified:
    """What a verification found.

    Attributes:
        report: every file that is not right is MISSING with an `IntegrityError`; what was not here before is as it was.
        files, size_bytes: what was read.
        wrong: what is not right, one error a file.
    """

    report: SyncReport
    files: int
    size_bytes: int
    wrong: tuple[NbrucioError, ...]

    def as_json(self) -> dict[str, object]:
        """The whole verification as a JSON-ready mapping."""
        return {**self.report.as_json(), "verified_files": self.files, "verified_bytes": self.size_bytes}


def verify(
    paths: Sequence[Path], config: Config, *, variant: str | None = None, reporter: Reporter | None = None
) -> Verified:
    """Verify the files in the store and on mounts that the notebooks at ``paths`` declare; asks no server.

    A file in the store that is not right is removed, so that the next sync brings it anew; on a mount nothing is
    touched.
    """
    report = status(paths, config, variant=variant)
    read = [
        file
        for notebook in report.notebooks
        for requirement in notebook.requirements
        for file in requirement.files
        if file.path is not None
    ]
    wrong: list[NbrucioError] = []
    with Engine(config, reporter) as engine:
        notebooks = tuple(
            notebook._replace(
                requirements=tuple(_verified(engine, requirement, wrong) for requirement in notebook.requirements),
            )
            for notebook in report.notebooks
        )
    size_bytes = sum(file.entry.size_bytes or 0 for file in read)
    return Verified(report._replace(notebooks=notebooks), len(read), size_bytes, tuple(wrong))


def _verified(engine: Engine, requirement: RequirementReport, wrong: list[NbrucioError]) -> RequirementReport:
    """``requirement`` without the files that are wrong, whose errors are added to ``wrong``."""
    files = []
    for file in requirement.files:
        error = _fault(engine, requirement.target, file) if file.path is not None else None
        if error is not None:
            wrong.append(error)
        files.append(file._replace(access=Access.MISSING, where=None, error=error) if error else file)
        engine.reporter.report(FileFinished(file.entry.did, file.entry.size_bytes or 0))
    return requirement._replace(files=tuple(files))


def _fault(engine: Engine, target: Target, file: FileReport) -> NbrucioError | None:
    assert file.path is not None
    try:
        if file.access is Access.STORE:
            stored = engine.store.verify(target.instance, file.entry)
            if stored is None:
                return IntegrityError(
                    f"{file.entry.did} was damaged in the store and has been removed.",
                    subject=str(file.entry.did),
                    hint="`nbrucio sync` brings it anew.",
                )
            return other_bytes(target, file.entry, stored.sha256)
        sums = _sums(file)
    except OSError as error:
        return Unavailable(f"{file.path} cannot be read: {error.strerror}.", subject=str(file.entry.did))
    fault = sums.fault(file.entry)
    if fault is None:
        return other_bytes(target, file.entry, sums.sha256)
    return IntegrityError(
        f"{file.entry.did} is wrong on the mounted RSE: {file.path} has {fault}.",
        subject=str(file.entry.did),
        hint='Tell the site, or declare {"access": "download"} to have another replica.',
    )


def _sums(file: FileReport) -> Sums:
    assert file.path is not None
    fd = os.open(file.path, os.O_RDONLY)
    try:
        return sum_file(REAL, fd, want_md5=wants_md5(file.entry), before_block=lambda: None).result()
    finally:
        os.close(fd)
