"""What a requirement comes to, in totals; in a module of its own, so that a cached status loads no more."""

from __future__ import annotations

from typing import NamedTuple


class RequirementTotals(NamedTuple):
    """What a requirement came to, in totals.

    Attributes:
        state: as `nbrucio.core.report.RequirementReport.state`.
        handle, did: of the requirement.
        files, size_bytes: of the whole; bytes are None when the size of a file is unknown.
        here_files, here_bytes: of what can be opened now.
        drift: how the catalogue differs from the lock, in words; None when it does not or was not asked.
        reread_files, reread_bytes: of what lies in the store and is to be read again.
        unverified_files: files that can be opened now and whose bytes no checksum has shown to be right.
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
