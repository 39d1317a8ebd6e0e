"""Events of a sync, and the protocol of their receivers.

A run calls a `Reporter`: a progress bar, the panel, the output of a cell or a JSON log. Several threads report;
`Reporter.report` must be quick, must not raise, and must do its own locking.

Events are named tuples, as docs/decisions/0032 explains. Events of different types are never equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from nbrucio.core.did import Did
from nbrucio.core.distinct import distinct
from nbrucio.errors import NbrucioError

if TYPE_CHECKING:
    from nbrucio.core.plan import Plan


@distinct
class ResolveStarted(NamedTuple):
    """The catalogue is asked for the contents of a DID."""

    did: Did
    instance: str


@distinct
class Resolved(NamedTuple):
    """The catalogue listed the contents of a DID. The size is None when that of a file is unknown."""

    did: Did
    files: int
    size_bytes: int | None


@distinct
class Planned(NamedTuple):
    """The plan that the run carries out next. It has every file, so it is for counting, not for logs."""

    plan: Plan


@distinct
class ApplyStarted(NamedTuple):
    """The transfers start: number of files and total size (None is unknown). Every run reports it, also with zeros.

    If transfers start before the plan is complete, it is reported with the maximum, and again with the plan's numbers
    if these are lower.
    """

    files: int
    size_bytes: int | None


@distinct
class FileStarted(NamedTuple):
    """The transfer of a file from an RSE starts after ``resumed_bytes`` that an earlier run transferred."""

    did: Did
    rse: str
    size_bytes: int | None
    resumed_bytes: int = 0


@distinct
class BytesArrived(NamedTuple):
    """``count`` more bytes of a file were written. Negative when a retry starts from zero."""

    did: Did
    count: int  # type: ignore[assignment]  # hides tuple.count, which events do not need


@distinct
class FileFinished(NamedTuple):
    """A file is verified and in the store."""

    did: Did
    size_bytes: int


@distinct
class FileRetried(NamedTuple):
    """The transfer from one replica failed; the next attempt follows."""

    did: Did
    rse: str
    error: NbrucioError


@distinct
class FileFailed(NamedTuple):
    """The transfers from all replicas failed."""

    did: Did
    error: NbrucioError


@distinct
class Waiting(NamedTuple):
    """Another process is downloading this file; this run waits for it."""

    did: Did


@distinct
class Noticed(NamedTuple):
    """A notice for the user; the run continues."""

    message: str


Event = (
    ResolveStarted
    | Resolved
    | Planned
    | ApplyStarted
    | FileStarted
    | BytesArrived
    | FileFinished
    | FileRetried
    | FileFailed
    | Waiting
    | Noticed
)


class Reporter(Protocol):
    """Receives the events of a sync."""

    def report(self, event: Event) -> None:
        """Handle ``event``."""


class SilentReporter:
    """A reporter that ignores everything."""

    def report(self, event: Event) -> None:
        """Ignore ``event``."""
