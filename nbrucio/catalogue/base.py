"""What a catalogue must be able to answer, and the values that come back.

The one real catalogue is Rucio (`nbrucio.catalogue.rucio`). The protocol exists so that the pure rooms can be read
without it, and so that a test can inject a fault that a real server cannot produce on demand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from nbrucio.core.did import Did
from nbrucio.core.files import DidFacts, FileEntry, Replica


class Catalogue(Protocol):
    """One instance's catalogue. Methods may be called from several threads.

    Every method raises `DidNotFound`, `CredentialsRejected`, `Offline` (the server cannot be reached), `RucioRefused`
    or `MissingDependency`, and nothing else that a user can cause.
    """

    def describe(self, did: Did) -> DidFacts:
        """Type, openness and totals of ``did``, in one request."""

    def files(self, did: Did) -> Iterator[FileEntry]:
        """Every file below ``did``, streamed, in the catalogue's order; a file DID gives itself."""

    def replicas(self, dids: Sequence[Did]) -> Iterator[tuple[Did, tuple[Replica, ...]]]:
        """The replicas of each file, best first as the catalogue sorts them, streamed; one with none may be absent.

        Args:
            dids: files; a dataset or container stands for all its files.
        """

    def search(self, scope: str, pattern: str, kind: str, filters: Sequence[str] = ()) -> Iterator[DidFacts]:
        """DIDs in ``scope`` whose name matches ``pattern`` (``*`` is the wildcard, in the scope, too).

        Args:
            kind: ``all``, ``collection``, ``dataset``, ``container`` or ``file``.
            filters: further conditions on metadata, each ``key=value``; also with ``!=``, ``<``, ``>``, ``<=``, ``>=``.
        """

    def close(self) -> None:
        """Give back connections. Idempotent."""


class CatalogueFactory(Protocol):
    """Opens catalogues of configured instances, each once."""

    def open(self, instance: str) -> Catalogue:
        """The catalogue of the instance with this identity; connects at its first question only."""

    def close(self) -> None:
        """Close every catalogue that was opened. Idempotent."""
