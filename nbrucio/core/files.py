"""Files and DIDs as a catalogue describes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from nbrucio.core.did import Did, DidType


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
        """Whether the catalogue has a size or checksum to compare bytes with."""
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
        tape: whether the RSE stores it on tape.
    """

    rse: str
    pfn: str
    tape: bool = False

    @property
    def scheme(self) -> str:
        """The PFN's scheme in lower case."""
        return self.pfn.partition(":")[0].lower()


class RseFacts(NamedTuple):
    """A storage element as its Rucio server describes it.

    Attributes:
        name: its name.
        readable: whether it is switched on for reading.
        tape: whether it stores files on tape.
        schemes: of the protocols that it offers for reading, in lower case.
        folders: of those for ``file``.
        tls_hosts: host and port of those over TLS.
    """

    name: str
    readable: bool
    tape: bool
    schemes: tuple[str, ...]
    folders: tuple[str, ...] = ()
    tls_hosts: tuple[tuple[str, int], ...] = ()


class ReplicaFacts(NamedTuple):
    """A replica in any state, also one that cannot be read now.

    Attributes:
        rse: the RSE's name.
        state: Rucio's state of the replica: AVAILABLE, COPYING, BAD, …
        facts: about the RSE; None if the server did not describe it.
    """

    rse: str
    state: str
    facts: RseFacts | None


class DidFacts(NamedTuple):
    """The catalogue's information about a whole DID.

    Attributes:
        did: the DID.
        type: FILE, DATASET or CONTAINER.
        open: whether files may still be added; always False for a file.
        size_bytes, files: the catalogue's totals; None if it has none, as for open datasets.
    """

    did: Did
    type: DidType
    open: bool
    size_bytes: int | None = None
    files: int | None = None


class DidSize(NamedTuple):
    """The files and bytes of a DID, each file once for each of its datasets; None when they are unknown."""

    files: int | None
    size_bytes: int | None


def total_bytes(sizes: Iterable[int | None]) -> int | None:
    """Return the sum of ``sizes``; None (unknown) if one of them is None."""
    total = 0
    for size_bytes in sizes:
        if size_bytes is None:
            return None
        total += size_bytes
    return total


def unique_files(entries: Iterable[FileEntry]) -> tuple[FileEntry, ...]:
    """Return ``entries`` sorted by DID, each file once: two datasets of a container may have the same file."""
    return tuple(sorted({entry.did: entry for entry in entries}.values(), key=lambda entry: entry.did))
