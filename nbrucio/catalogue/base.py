"""The protocol of a catalogue.

The only real catalogue is Rucio (`nbrucio.catalogue.rucio`). Tests use the protocol to inject errors that a real server
cannot produce on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts, DidSize, FileEntry, Replica, ReplicaFacts, RseFacts
from nbrucio.core.replica_sums import ReplicaSums
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

    def replica_facts(self, dids: Sequence[Did]) -> Iterator[tuple[Did, tuple[ReplicaFacts, ...]]]:
        """Yield all replicas of each file, also those that cannot be read now; rows that cannot be parsed are omitted.

        Needs a request more for each RSE, so that it is only for files without a replica in `replicas`.
        """

    def datasets(self, did: Did, kind: DidType) -> Iterator[Did]:
        """Yield the datasets below a container of this ``kind``, at any depth and each once; a dataset is its own."""

    def replica_sums(self, dataset: Did) -> ReplicaSums:
        """Return how many files of ``dataset`` are available at each RSE, with one request; if at none, with two."""

    def size(self, did: Did) -> DidSize:
        """Return the files and bytes of ``did``, counted now with one request; unknown if it does not exist."""

    def rse(self, name: str) -> RseFacts:
        """Return whether an RSE is switched on for reading, and its protocols, with one request."""

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
