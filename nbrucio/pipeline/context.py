"""The context of one run: configuration, store, memory and catalogues, opened when they are needed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable

from nbrucio.catalogue.base import Catalogue, CatalogueFactory
from nbrucio.config import Config, Instance
from nbrucio.config.folders import user_folder
from nbrucio.core.did import Did
from nbrucio.core.events import BytesArrived, Event, FileStarted, Noticed, Reporter, SilentReporter
from nbrucio.core.plan import DownloadLimits, ResolvedRequirement
from nbrucio.pipeline.eviction import store_limit
from nbrucio.pipeline.resolve import Resolver
from nbrucio.state.notebook_uses import NotebookUses
from nbrucio.state.replica_places import ReplicaPlaces
from nbrucio.state.resolutions import Resolutions
from nbrucio.state.staged_rules import StagedRules
from nbrucio.state.status_cache import StatusCache
from nbrucio.state.transfer_rate import TransferRate
from nbrucio.store import Store


class CountingReporter:
    """A reporter that counts the downloads and forwards every event to ``listener``."""

    def __init__(self, listener: Reporter) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._started: set[Did] = set()
        self._bytes = 0

    def report(self, event: Event) -> None:
        """Count ``event`` and forward it."""
        if isinstance(event, BytesArrived):
            with self._lock:
                self._bytes += event.count
        elif isinstance(event, FileStarted):
            with self._lock:
                self._started.add(event.did)
        self._listener.report(event)

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
        config: the same, with the logins that the notebooks of this run name.
    """

    def __init__(
        self, config: Config, reporter: Reporter | None = None, catalogues: CatalogueFactory | None = None
    ) -> None:
        self.given = self.config = config
        self.reporter = CountingReporter(reporter or SilentReporter())
        self.store = Store(
            config.store_path,
            state=user_folder("XDG_STATE_HOME", os.environ),
            notify=lambda message: self.reporter.report(Noticed(message)),
        )
        self.resolutions = Resolutions(config.store_path)
        self.rate = TransferRate(config.store_path)
        self.replica_places = ReplicaPlaces(config.store_path)
        self.status_cache = StatusCache(config.store_path)
        self.staged = StagedRules(config.store_path)
        self.uses = NotebookUses(config.store_path)
        self._limits: DownloadLimits | None = None
        self._catalogues = catalogues
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
            )
        return self._limits

    def elapsed_s(self) -> float:
        """Return the wall seconds since the run began."""
        return time.monotonic() - self._began_s

    def catalogue(self, instance: str) -> Catalogue:
        """Return the catalogue of an instance, by its identity or another name.

        The first request connects.
        """
        if self._catalogues is None:
            from nbrucio.catalogue.rucio import Catalogues

            self._catalogues = Catalogues(self.config)
        return self._catalogues.open(self.config.instance(instance).name)

    def resolver(self) -> Resolver:
        """Return a resolver for one run."""
        return Resolver(self.given, self.catalogue, self.resolutions, self.reporter, self.prefer)

    def close(self) -> None:
        """Close connections, and remember checksums of files in a read-only store. Idempotent."""
        self.store.remember()
        if self._catalogues is not None:
            self._catalogues.close()
            self._catalogues = None

    def __enter__(self) -> RunContext:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
