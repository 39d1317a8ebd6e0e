"""What the engine must be able to ask of a catalogue, and the values that come back.

The one real catalogue is Rucio (`nbrucio.catalogue.rucio`). The protocol exists so that the pure rooms can be read
without it, and so that a test can inject a fault that a real server cannot produce on demand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from nbrucio.did import Did, DidType


class FileEntry(NamedTuple):
    """One file as the catalogue describes it.

    Attributes:
        did: its own DID, whose scope may differ from that of the dataset.
        size_bytes: its length; None when the catalogue does not know it.
        adler32: 8 lower-case hex digits, zero-padded on the left; None when unknown.
        md5: 32 lower-case hex digits; None when unknown.
    """

    did: Did
    size_bytes: int | None
    adler32: str | None = None
    md5: str | None = None

    @property
    def verifiable(self) -> bool:
        """Whether the catalogue knows anything by which wrong bytes would be noticed."""
        return self.size_bytes is not None or self.checksum is not None

    @property
    def checksum(self) -> str | None:
        """``adler32:…`` or ``md5:…``, the former when both are known; None when the catalogue has neither."""
        if self.adler32:
            return f"adler32:{self.adler32}"
        return f"md5:{self.md5}" if self.md5 else None


class Replica(NamedTuple):
    """One place where a file can be read.

    Attributes:
        rse: the RSE's name.
        pfn: the URL of the file there.
        tape: whether the RSE keeps it on tape.
    """

    rse: str
    pfn: str
    tape: bool = False

    @property
    def scheme(self) -> str:
        """The PFN's scheme in lower case."""
        return self.pfn.partition(":")[0].lower()


class DidFacts(NamedTuple):
    """What the catalogue says of a DID as a whole.

    Attributes:
        did: the DID.
        type: FILE, DATASET or CONTAINER.
        open: whether files may still be added; always False for a file.
        size_bytes, files: totals when the catalogue keeps them, else None (it keeps none for open datasets).
    """

    did: Did
    type: DidType
    open: bool
    size_bytes: int | None = None
    files: int | None = None


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


def total_bytes(sizes: Iterable[int | None]) -> int | None:
    """The sum of ``sizes``; None, which is unknown, when one of them is."""
    total = 0
    for size_bytes in sizes:
        if size_bytes is None:
            return None
        total += size_bytes
    return total


def unique_files(entries: Iterable[FileEntry]) -> tuple[FileEntry, ...]:
    """``entries`` sorted by DID, each file once: a container may hold one file through two datasets."""
    return tuple(sorted({entry.did: entry for entry in entries}.values(), key=lambda entry: entry.did))
