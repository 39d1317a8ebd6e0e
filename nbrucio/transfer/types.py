"""What a transfer is asked and answers, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nbrucio.core.files import FileEntry, Replica
from nbrucio.errors import NbrucioError
from nbrucio.store import Stored


@dataclass(frozen=True)
class TraceTarget:
    """Where an instance takes traces, and in whose name they are sent.

    Attributes:
        url: the base URL of the Rucio server, or of the trace host where there is another one.
        account: the Rucio account.
        vo: the virtual organisation; None when the server has one only.
        ca: file or folder of CAs that vouch for that server; None means those of this machine.
    """

    url: str
    account: str
    vo: str | None = None
    ca: Path | None = None


@dataclass(frozen=True)
class StorageAccess:
    """How one instance's storage is reached. Certificates of servers are always verified.

    Attributes:
        ca: file or folder of CAs that vouch for the storage; None means those of this machine.
        proxy: an X.509 proxy, or certificate and key in one PEM file.
        token: a bearer token; sent over TLS only, to the host that the replica's URL names and to `redirect_hosts`.
        redirect_hosts: hosts, ``*.`` and a domain, with or without a port, to which the storage may send readers on
            together with their credentials.
        discovers_token: whether XRootD's library may look for a token by itself: the one that it finds is `token`.
        file_roots: folders below which file:// replicas may be read; none by default.
        traces: where traces of downloads go; None sends none.
    """

    ca: Path | None = None
    proxy: Path | None = None
    token: str | None = field(default=None, repr=False)
    traces: TraceTarget | None = None
    file_roots: tuple[Path, ...] = ()
    redirect_hosts: tuple[str, ...] = ()
    discovers_token: bool = False

    def may_follow(self, host: str, port: int | None) -> bool:
        """Whether credentials may go on to ``host``, which a redirect of the storage names."""
        host = f"[{host}]" if ":" in host else host
        return any(_names(listed, host, port) for listed in self.redirect_hosts)


def _names(listed: str, host: str, port: int | None) -> bool:
    name, port_given = listed, None
    if not listed.endswith("]") and ":" in listed:
        name, _, port_given = listed.rpartition(":")
    if port_given is not None and port_given != str(port):
        return False
    return host.endswith(name[1:]) and host != name[1:] if name.startswith("*.") else host == name


@dataclass(frozen=True)
class TransferLimits:
    """How hard storage is worked, how long it is believed in, and how much may come from it.

    Attributes:
        per_host: transfers at once from one host.
        total: transfers at once.
        attempts: how often one replica is tried when its fault may pass.
        backoff_s: the wait before the second attempt; it doubles with each.
        max_wait_s: the longest such wait, also when a server asks for more.
        stall_bytes_per_s, stall_s: a transfer slower than the former for as long as the latter has stalled.
        connect_s: how long a connection may take to be made.
        host_faults, host_s: a host at which so many attempts in a row failed, over so long a time, is left alone for
            the rest of the run.
        redirects: how many redirects are followed for one file.
        max_download_bytes: at most so much in one run; None for no limit.
        keep_free_bytes: what must stay free at the store.
    """

    per_host: int = 4
    total: int = 8
    attempts: int = 4
    backoff_s: float = 0.5
    max_wait_s: float = 20.0
    stall_bytes_per_s: int = 1_000
    stall_s: float = 30.0
    connect_s: float = 10.0
    host_faults: int = 6
    host_s: float = 10.0
    redirects: int = 5
    max_download_bytes: int | None = None
    keep_free_bytes: int = 0


class Task(NamedTuple):
    """One file to bring: from the first of ``replicas`` that delivers it."""

    instance: str
    entry: FileEntry
    replicas: tuple[Replica, ...]


class Outcome(NamedTuple):
    """What became of a task, which is told without its replicas: exactly one of ``stored`` and ``error`` is there."""

    task: Task
    stored: Stored | None
    error: NbrucioError | None
