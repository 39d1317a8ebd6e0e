"""Experience with storage, from which the next run begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from nbrucio.core.files import Replica

#: Pseudo host of all mounted file systems.
MOUNTED = "file"


class HostFacts(NamedTuple):
    """Facts about a host, found by one run.

    Attributes:
        files: the number of files at a time that gave the most bytes per second; None when that was not measured.
        most: more files than this at a time were refused; None when none were.
    """

    files: int | None = None
    most: int | None = None


class RseHost(NamedTuple):
    """An RSE at a host. A door may serve several RSEs, and an RSE may have several doors."""

    rse: str
    host: str


class Performance(NamedTuple):
    """The service that this machine got from an RSE.

    Attributes:
        bytes_per_s: of all files at a time, while any was read; None when too few bytes arrived to tell.
        failed: whether the last file that was asked for could not be read.
    """

    bytes_per_s: float | None = None
    failed: bool = False


@dataclass
class HostBook:
    """Experience with hosts, by name, and with RSEs.

    Attributes:
        known: that of earlier runs with hosts.
        found: that of this run, complete at its end.
        rses: that of this run with RSEs, complete at its end.
    """

    known: Mapping[str, HostFacts] = field(default_factory=dict)
    found: dict[str, HostFacts] = field(default_factory=dict)
    rses: dict[RseHost, Performance] = field(default_factory=dict)


def host_of(replica: Replica) -> str:
    """Return the host whose load and health a transfer counts for; all mounted file systems are one host."""
    if replica.scheme in ("file", "posix"):
        return MOUNTED
    try:
        return urlsplit(replica.pfn).netloc.rpartition("@")[2].lower() or replica.rse
    except ValueError:
        return replica.rse
