"""Totals of a requirement, in a module of their own: a cached status imports nothing else."""

from __future__ import annotations

from typing import NamedTuple


class RequirementTotals(NamedTuple):
    """Totals of a requirement.

    Attributes:
        state: as `nbrucio.core.report.RequirementReport.state`.
        handle, did: as declared.
        files, size_bytes: of the requirement; bytes are None when the size of a file is unknown.
        here_files, here_bytes: of the files that can be opened now.
        drift: differences between the catalogue and the lock, in words; None without any or if not asked.
        reread_files, reread_bytes: of cached files that must be read again before use.
        unverified_files: files that can be opened now and have no checksum in Rucio.
    """

    state: str
    handle: str
    did: str
    files: int
    size_bytes: int | None
    here_files: int
    here_bytes: int | None
    drift: str | None = None
    reread_files: int = 0
    reread_bytes: int | None = 0
    unverified_files: int = 0
