"""The protocol of a catalogue.

The only real catalogue is Rucio (`nbrucio.catalogue.rucio`). Tests use the protocol to inject errors that a real server
cannot produce on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from nbrucio.core.did import Did
from nbrucio.core.files import DidFacts, FileEntry, Replica
from nbrucio.errors import NbrucioError


class Catalogue(Protocol):
    """The catalogue of one instance. Methods are thread-safe.

    Every method raises `DidNotFound`, `CredentialsRejected`, `Offline` (the server cannot be reached), `RucioRefused`
    or `MissingDependency`, and no other error that a user can cause.
    """

    def describe(self, did: Did) -> DidFacts:
        """Return type, openness and totals of ``did``, with one request."""

    def files(self, did: Did) -> Iterator[FileEntry]:
        """Yield every file below ``did``, in the catalogue's order, as it arrives; a file DID yields itself."""

    def replicas(
        self, dids: Sequence[Did], malformed: Callable[[NbrucioError], object] | None = None
    ) -> Iterator[tuple[Did, tuple[Replica, ...]]]:
        """Yield the replicas of each file as they arrive, in the catalogue's order of preference.

        A file without replicas may be missing.

        Args:
            dids: files; a dataset or container stands for all its files.
            malformed: called with the error of each malformed row, whose subject is the row's file if that can be read.
                None raises the error instead.
        """

    def search(self, scope: str, pattern: str, kind: str, filters: Sequence[str] = ()) -> Iterator[DidFacts]:
        """Yield DIDs in ``scope`` whose name matches ``pattern``; ``*`` is the wildcard in both.

        Args:
            kind: ``all``, ``collection``, ``dataset``, ``container`` or ``file``.
            filters: further conditions on metadata, each ``key=value``; also with ``!=``, ``<``, ``>``, ``<=``, ``>=``.
        """

    def close(self) -> None:
        """Close connections. Idempotent."""


class CatalogueFactory(Protocol):
    """Opens the catalogues of configured instances, each once."""

    def open(self, instance: str) -> Catalogue:
        """Return the catalogue of the instance with this identity. It connects on its first request."""

    def close(self) -> None:
        """Close every opened catalogue. Idempotent."""
