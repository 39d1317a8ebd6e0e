"""Arguments and results of a transfer, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nbrucio.core.download_limit import OWN_LIMIT, LimitOrigin
from nbrucio.core.files import FileEntry, Replica
from nbrucio.errors import NbrucioError
from nbrucio.store import Stored


@dataclass(frozen=True)
class TraceTarget:
    """The trace host of an instance, and the account that traces name.

    Attributes:
        url: base URL of the Rucio server, or of its separate trace host.
        account: the Rucio account.
        vo: the virtual organisation; None when the server has only one.
        ca: file or folder of CAs for that server; None means those of this machine.
    """

    url: str
    account: str
    vo: str | None = None
    ca: Path | None = None


@dataclass(frozen=True)
class StorageAccess:
    """Access to the storage of one instance. Server certificates are always verified.

    Attributes:
        ca: file or folder of CAs for the storage; None means those of this machine.
        with_system_cas: whether those of this machine count beside `ca`.
        proxy: an X.509 proxy, or a certificate, in PEM.
        key: the file of its private key; None where `proxy` holds it.
        token: a bearer token, sent over TLS only, to the host in the replica's URL and to `redirect_hosts`.
        token_now: returns the token as it is now, which may be renewed during a sync; None means `token`.
        token_renewed: returns whether the token has changed since a moment of `time.monotonic`, for which it may be
            read again now; None where it cannot change.
        redirect_hosts: hosts to which the storage may redirect readers with their credentials: a name or ``*.`` and a
            domain, with or without a port.
        discovers_token: whether XRootD's library may discover a token itself: the one it finds is `token`.
        file_roots: folders below which file:// replicas may be read; none by default.
        traces: where to send traces of downloads; None sends none.
    """

    ca: Path | None = None
    proxy: Path | None = None
    token: str | None = field(default=None, repr=False)
    traces: TraceTarget | None = None
    file_roots: tuple[Path, ...] = ()
    redirect_hosts: tuple[str, ...] = ()
    discovers_token: bool = False
    with_system_cas: bool = False
    key: Path | None = None
    token_now: Callable[[], str | None] | None = field(default=None, repr=False, compare=False)
    token_renewed: Callable[[float], bool] | None = field(default=None, repr=False, compare=False)

    def bearer(self) -> str | None:
        """Return the bearer token to send now; None without one."""
        return self.token if self.token_now is None else self.token_now()

    def certificate_state(self) -> tuple[object, ...]:
        """Return a value that changes when the proxy, certificate or key is replaced, which is how they are renewed."""
        return tuple(_state(file) for file in (self.proxy, self.key) if file is not None)

    def may_follow(self, host: str, port: int | None) -> bool:
        """Whether a redirect of the storage may take credentials to ``host``."""
        host = f"[{host}]" if ":" in host else host
        return any(_names(listed, host, port) for listed in self.redirect_hosts)


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None  # gone: the request reports it
    return found.st_ino, found.st_size, found.st_mtime_ns


def _names(listed: str, host: str, port: int | None) -> bool:
    name, port_given = listed, None
    if not listed.endswith("]") and ":" in listed:
        name, _, port_given = listed.rpartition(":")
    if port_given is not None and port_given != str(port):
        return False
    return host.endswith(name[1:]) and host != name[1:] if name.startswith("*.") else host == name


@dataclass(frozen=True)
class TransferLimits:
    """Limits for the load on storage, for retries and for the amount of data.

    Attributes:
        per_host: concurrent transfers per host.
        total: concurrent transfers.
        committing: files that wait for their commit; each has two descriptors.
        attempts: attempts at one replica after transient errors.
        backoff_s: seconds before the second attempt; doubles with each further one.
        max_wait_s: longest wait in seconds, also when a server asks for more; a random part comes on top.
        stall_bytes_per_s, stall_s: a transfer below this rate for this time has stalled.
        connect_s: time limit in seconds for a connection.
        host_failures, host_s: a host is not used again in this run after this many failed attempts in a row over this
            many seconds.
        redirects: largest number of redirects per file.
        replicas: largest number of replicas that are tried per file.
        max_download_bytes: download limit of a run; None for no limit.
        origin: the origin of that limit, for errors.
        keep_free_bytes: bytes that must stay free at the store.
        part_bytes: size of a part of a large file.
        measured_bytes: bytes from an RSE from which on its rate is remembered.
        pace_s: seconds of reading after which an RSE is known to be slow.
    """

    per_host: int = 4
    total: int = 8
    committing: int = 128
    attempts: int = 4
    backoff_s: float = 0.5
    max_wait_s: float = 20.0
    stall_bytes_per_s: int = 1_000
    stall_s: float = 30.0
    connect_s: float = 10.0
    host_failures: int = 6
    host_s: float = 10.0
    redirects: int = 5
    replicas: int = 24
    max_download_bytes: int | None = None
    origin: LimitOrigin = OWN_LIMIT
    keep_free_bytes: int = 0
    part_bytes: int = 4 << 20
    measured_bytes: int = 16_000_000
    pace_s: float = 10.0


class Task(NamedTuple):
    """One file to download from the first of ``replicas`` that works."""

    instance: str
    entry: FileEntry
    replicas: tuple[Replica, ...]


class Outcome(NamedTuple):
    """Result of a task, which has lost its replicas: either ``stored`` or ``error`` is set."""

    task: Task
    stored: Stored | None
    error: NbrucioError | None
