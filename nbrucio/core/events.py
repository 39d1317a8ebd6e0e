"""What happens during a sync, as values, and who may listen.

A run tells a `Reporter`; a progress bar, a panel, a cell's output and a JSON log are all reporters. Events come
from several threads; `Reporter.report` must be quick, must not raise, and must do its own locking.

They are named tuples, for which docs/decisions/0032 has the reason; events of different types are never equal.
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
    """The contents of a DID are known; its size is None when that of a file is not."""

    did: Did
    files: int
    size_bytes: int | None


@distinct
class Planned(NamedTuple):
    """This plan is carried out next. It holds every file, so it is for reporters that count, not for logs."""

    plan: Plan


@distinct
class ApplyStarted(NamedTuple):
    """Files are about to be brought: so many, so large in total (None is unknown). Sent in every run, also with zeros.

    Where transfers begin before the plan is made, it is sent with the most that there may be, and again with what the
    plan says if that is less.
    """

    files: int
    size_bytes: int | None


@distinct
class FileStarted(NamedTuple):
    """A file begins to arrive from an RSE; ``resumed_bytes`` of it were here already from an earlier run."""

    did: Did
    rse: str
    size_bytes: int | None
    resumed_bytes: int = 0


@distinct
class BytesArrived(NamedTuple):
    """``count`` more bytes of a file were written. Negative when a retry starts a file again."""

    did: Did
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks of an event


@distinct
class FileFinished(NamedTuple):
    """A file is verified and in the store."""

    did: Did
    size_bytes: int


@distinct
class FileRetried(NamedTuple):
    """A replica did not deliver; the next attempt follows."""

    did: Did
    rse: str
    error: NbrucioError


@distinct
class FileFailed(NamedTuple):
    """No replica delivered the file."""

    did: Did
    error: NbrucioError


@distinct
class Waiting(NamedTuple):
    """Another process brings this file now; this run waits and will share it."""

    did: Did


@distinct
class Noticed(NamedTuple):
    """Something that the user should know and that stops nothing."""

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
    """Listens to a sync."""

    def report(self, event: Event) -> None:
        """Take note of ``event``."""


class SilentReporter:
    """A reporter that ignores everything."""

    def report(self, event: Event) -> None:
        """Ignore ``event``."""
