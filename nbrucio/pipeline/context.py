"""What one run works with: configuration, store, memory and catalogues, opened when they are needed."""

from __future__ import annotations

import os
import threading

from nbrucio.catalogue.base import Catalogue, CatalogueFactory
from nbrucio.config import Config, Instance
from nbrucio.config.policy import user_folder
from nbrucio.core.did import Did
from nbrucio.core.events import BytesArrived, Event, FileStarted, Reporter, SilentReporter
from nbrucio.pipeline.resolve import Resolver
from nbrucio.state.replica_places import ReplicaPlaces
from nbrucio.state.resolutions import Resolutions
from nbrucio.state.staged_rules import StagedRules
from nbrucio.state.status_cache import StatusCache
from nbrucio.state.transfer_rate import TransferRate
from nbrucio.store import Store


class CountingReporter:
    """A reporter that counts and hands every event on.

    A file that another process brought meanwhile, or that a killed run left whole, is here without being brought.

    Args:
        listener: who hears every event after it was counted.
    """

    def __init__(self, listener: Reporter) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._started: set[Did] = set()
        self._bytes = 0

    def report(self, event: Event) -> None:
        """Count ``event`` and hand it on."""
        if isinstance(event, BytesArrived):
            with self._lock:
                self._bytes += event.count
        elif isinstance(event, FileStarted):
            with self._lock:
                self._started.add(event.did)
        self._listener.report(event)

    @property
    def size_bytes(self) -> int:
        """Bytes that arrived in this run; those that a retry threw away are not counted."""
        return max(0, self._bytes)

    def started(self, did: Did) -> bool:
        """Whether this run began to bring the file."""
        return did in self._started


class RunContext:
    """What one run works with. A context manager; leaving it gives back connections.

    Attributes:
        given: the configuration.
        config: the same, with the logins that this run's notebooks choose.
    """

    def __init__(
        self, config: Config, reporter: Reporter | None = None, catalogues: CatalogueFactory | None = None
    ) -> None:
        self.given = self.config = config
        self.reporter = CountingReporter(reporter or SilentReporter())
        self.store = Store(config.store_path, state=user_folder("XDG_STATE_HOME", os.environ))
        self.resolutions = Resolutions(config.store_path)
        self.rate = TransferRate(config.store_path)
        self.replica_places = ReplicaPlaces(config.store_path)
        self.status_cache = StatusCache(config.store_path)
        self.staged = StagedRules(config.store_path)
        self._catalogues = catalogues

    def prefer(self, instance: Instance) -> None:
        """Log in as ``instance`` does, where several instances are the same server."""
        self.config = self.config.preferring(instance)

    def catalogue(self, instance: str) -> Catalogue:
        """The catalogue of an instance, by its identity or another name.

        Nothing is imported before the first call, nor connected before a question.
        """
        if self._catalogues is None:
            from nbrucio.catalogue.rucio import Catalogues

            self._catalogues = Catalogues(self.config)
        return self._catalogues.open(self.config.instance(instance).name)

    def resolver(self) -> Resolver:
        """A resolver for one run."""
        return Resolver(self.given, self.catalogue, self.resolutions, self.reporter, self.prefer)

    def close(self) -> None:
        """Give back connections, and keep what was read in a store that cannot be written. Idempotent."""
        self.store.remember()
        if self._catalogues is not None:
            self._catalogues.close()
            self._catalogues = None

    def __enter__(self) -> RunContext:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
