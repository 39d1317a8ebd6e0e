"""The context of one run: configuration, store, memory and catalogues, opened when they are needed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable

from nbrucio.catalogue.base import Catalogue, CatalogueFactory
from nbrucio.config import Config, Instance
from nbrucio.config.folders import user_folder
from nbrucio.config.policy import within_session
from nbrucio.core.did import Did
from nbrucio.core.events import BytesArrived, Event, FileStarted, Noticed, Reporter, SilentReporter
from nbrucio.core.plan import DownloadLimits, ResolvedRequirement
from nbrucio.core.replica_order import ReplicaOrder
from nbrucio.pipeline.eviction import store_limit
from nbrucio.pipeline.resolve import Resolver
from nbrucio.pipeline.session_downloads import STEP_BYTES, SessionDownloads
from nbrucio.state.hosts import HostMemory
from nbrucio.state.notebook_uses import NotebookUses
from nbrucio.state.replica_answers import ReplicaAnswers
from nbrucio.state.replica_places import ReplicaPlaces
from nbrucio.state.resolutions import Resolutions
from nbrucio.state.staged_rules import StagedRules
from nbrucio.state.status_cache import StatusCache
from nbrucio.state.transfer_rate import TransferRate
from nbrucio.store import Store


class CountingReporter:
    """A reporter that counts the downloads and forwards every event to ``listener``.

    Args:
        session: the session in which the bytes are recorded, too; None without a limit for it.
    """

    def __init__(self, listener: Reporter, session: SessionDownloads | None = None) -> None:
        self._listener = listener
        self._session = session
        self._recorded = 0
        self._lock = threading.Lock()
        self._started: set[Did] = set()
        self._bytes = 0

    def report(self, event: Event) -> None:
        """Count ``event`` and forward it."""
        if isinstance(event, BytesArrived):
            with self._lock:
                self._bytes += event.count
                if abs(self._bytes - self._recorded) >= STEP_BYTES:
                    self._record()
        elif isinstance(event, FileStarted):
            with self._lock:
                self._started.add(event.did)
        self._listener.report(event)

    def close(self) -> None:
        """Record the rest of the bytes."""
        with self._lock:
            self._record()

    def _record(self) -> None:
        if self._session is not None and self._bytes != self._recorded:
            self._session.add(self._bytes - self._recorded)
            self._recorded = self._bytes

    @property
    def size_bytes(self) -> int:
        """Return the bytes that arrived in this run, without those that a retry discarded."""
        return max(0, self._bytes)

    def started(self, did: Did) -> bool:
        """Return whether this run began to download the file."""
        return did in self._started


class RunContext:
    """The context of one run. A context manager that closes connections at its end.

    Attributes:
        given: the configuration from the files.
        config: the same, with the logins that the notebooks of this run name, and within what is left of the session.
        order: the order in which replicas are tried.
        session_left_bytes: what this session may still download; None without a limit.
    """

    def __init__(
        self, config: Config, reporter: Reporter | None = None, catalogues: CatalogueFactory | None = None
    ) -> None:
        self.given = self.config = config
        session = None if config.policy.max_session_bytes is None else SessionDownloads()
        self.session_left_bytes: int | None = None
        if session is not None and config.policy.max_session_bytes is not None:
            self.session_left_bytes = max(0, config.policy.max_session_bytes - session.used_bytes())
            self.config = config._replace(policy=within_session(config.policy, self.session_left_bytes))
        self.reporter = CountingReporter(reporter or SilentReporter(), session)
        self.store = Store(
            config.store_path,
            state=user_folder("XDG_STATE_HOME", os.environ),
            notify=lambda message: self.reporter.report(Noticed(message)),
            below=config.shared_stores,
        )
        self.resolutions = Resolutions(config.store_path)
        self.rate = TransferRate(config.store_path)
        self.host_memory = HostMemory(config.store_path)
        self.order = ReplicaOrder(config.policy.rses, self.host_memory.performance())
        only = config.policy.rses.only
        self.replica_places = ReplicaPlaces(config.store_path, only)
        self.replica_answers = ReplicaAnswers(config.store_path, only, time.time_ns())
        self.status_cache = StatusCache(config.store_path)
        self.staged = StagedRules(config.store_path)
        self.uses = NotebookUses(config.store_path)
        self._limits: DownloadLimits | None = None
        self._catalogues = catalogues
        self._warned: set[str] = set()
        self._began_s = time.monotonic()

    def prefer(self, instance: Instance) -> None:
        """Use the login of ``instance`` if several instances are the same server."""
        self.config = self.config.preferring(instance)

    def limits(self, requirements: Iterable[ResolvedRequirement]) -> DownloadLimits:
        """Return the download limits of this run, by the store and its free space at the first call.

        Args:
            requirements: those of the run.
        """
        policy = self.config.policy
        if self._limits is None:
            self._limits = DownloadLimits(
                self.store.free_bytes(),
                policy.keep_free_bytes,
                policy.max_download_bytes,
                policy.allow_unverifiable,
                frozenset(
                    instance.identity
                    for instance in self.config.instances
                    if not (instance.downloads and policy.downloads)
                ),
                store_limit(self.config, self.store, requirements),
                policy.limit,
                self._missing_mounts(),
            )
        return self._limits

    def _missing_mounts(self) -> dict[str, str]:
        """Return the mounts that are no folders, in words, by the identity of an instance without downloads."""
        missing: dict[str, str] = {}
        for instance in self.config.instances:
            if not (instance.downloads and self.config.policy.downloads):
                lost = [f"{mount.rse} ({mount.path})" for mount in instance.mounts if not mount.path.is_dir()]
                if lost:
                    missing[instance.identity] = " and ".join(lost)
        return missing

    def elapsed_s(self) -> float:
        """Return the wall seconds since the run began."""
        return time.monotonic() - self._began_s

    def catalogue(self, instance: str) -> Catalogue:
        """Return the catalogue of an instance, by its identity or another name.

        The first request connects.
        """
        if self._catalogues is None:
            from nbrucio.catalogue.rucio import Catalogues

            self._catalogues = Catalogues(self.config, order=self.order)
        found = self.config.instance(instance)
        self._warn_of_end(found)
        return self._catalogues.open(found.name)

    def _warn_of_end(self, instance: Instance) -> None:
        """Report once that the login to ``instance`` ends soon."""
        if instance.name in self._warned:
            return
        self._warned.add(instance.name)
        from nbrucio.pipeline.login_ends import ending_login  # most runs need no catalogue

        warning = ending_login(instance, self.config, os.environ)
        if warning is not None:
            self.reporter.report(Noticed(warning.as_line()))

    def resolver(self, *, compact: bool = False) -> Resolver:
        """Return a resolver for one run; ``compact`` packs long lists."""
        return Resolver(self.given, self.catalogue, self.resolutions, self.reporter, self.prefer, compact=compact)

    def close(self) -> None:
        """Close connections, and remember checksums of files in a read-only store. Idempotent."""
        self.store.remember()
        self.reporter.close()
        if self._catalogues is not None:
            self._catalogues.close()
            self._catalogues = None

    def __enter__(self) -> RunContext:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
