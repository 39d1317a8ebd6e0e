"""What one run works with: configuration, store, memory and catalogues, opened when they are needed."""

from __future__ import annotations

import os

from nbrucio.catalogue.base import Catalogue, CatalogueFactory
from nbrucio.config import Config, Instance
from nbrucio.config.policy import user_folder
from nbrucio.events import Reporter, Silent
from nbrucio.resolve import Resolver
from nbrucio.store import Store
from nbrucio.store.places import Places
from nbrucio.store.rate import Rate
from nbrucio.store.resolved import Resolutions
from nbrucio.store.seen import Sightings
from nbrucio.store.staged import StagedRules
from nbrucio.tally import Tally


class Engine:
    """What one run works with. A context manager; leaving it gives back connections.

    Attributes:
        given: the configuration.
        config: the same, with the logins that this run's notebooks choose.
    """

    def __init__(
        self, config: Config, reporter: Reporter | None = None, catalogues: CatalogueFactory | None = None
    ) -> None:
        self.given = self.config = config
        self.reporter = Tally(reporter or Silent())
        self.store = Store(config.store_path, state=user_folder("XDG_STATE_HOME", os.environ))
        self.resolutions = Resolutions(config.store_path)
        self.rate = Rate(config.store_path)
        self.places = Places(config.store_path)
        self.sightings = Sightings(config.store_path)
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

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
