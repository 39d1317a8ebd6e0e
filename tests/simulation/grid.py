"""Rucio and the storage of a simulated world, and the two protocols by which the product asks them."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts, FileEntry, Replica, ReplicaFacts, RseFacts
from nbrucio.core.replica_order import ReplicaOrder
from nbrucio.errors import CredentialsRejected, DidNotFound, Offline
from nbrucio.transfer.base import Sink
from nbrucio.transfer.errors import PermanentError, Refused, TransientError, Unreachable

SCOPE = "sim"
#: Datasets that may still grow. The third one is closed.
OPEN = ("one", "two")
DATASETS = (*OPEN, "three")
RSES = ("ALPHA", "BETA", "GAMMA")
#: Files of a dataset as (name, version).
State = frozenset[tuple[str, int]]


class Grid:
    """All that is outside the user's machine.

    Attributes:
        versions: the bytes of each file; the last ones are those that Rucio knows. All have the same length.
        members: the names of the files of each dataset.
        listed: where Rucio says that a file is; ``stored`` is where it is.
        history: every state that a dataset has had.
        sent_bytes: the bytes that storage sent.
    """

    def __init__(self, chance: random.Random, call: Callable[[str], None], now: Callable[[], float]) -> None:
        self._chance = chance
        self._call = call
        self._now = now
        self.versions: dict[str, list[bytes]] = {}
        self.members: dict[str, list[str]] = {}
        self.listed: dict[str, list[str]] = {}
        self.stored: dict[tuple[str, str], bytes] = {}
        self.history: dict[str, list[State]] = {}
        self.faults: dict[tuple[str, str], str] = {}
        self.is_down = False
        self.down_rses: list[str] = []
        self.token_ends_s = self.storage_token_ends_s = float("inf")
        self.sent_bytes = 0
        self.answered = 0
        for dataset in DATASETS:
            self.members[dataset] = []
            self.history[dataset] = []
            for _ in range(chance.randint(1, 4)):
                self._add(dataset)

    # What happens there.

    def grow(self) -> None:
        """Add a file to an open dataset: a new one, or one of another dataset."""
        self._add(self._chance.choice(OPEN))

    def _add(self, dataset: str) -> None:
        others = sorted(set(self.versions) - set(self.members[dataset]))
        if others and self._chance.random() < 0.3:
            name = self._chance.choice(others)
        else:
            name = f"file{len(self.versions)}.root"
            content = self._chance.randbytes(self._chance.choice((1, 40, 700, 5000)))
            self.versions[name], self.listed[name] = [content], []
            for rse in self._chance.sample(RSES, self._chance.randint(1, 3)):
                self._store(name, rse)
        self.members[dataset].append(name)
        self._record()

    def shrink(self) -> None:
        """Remove a file from an open dataset; it still exists."""
        dataset = self._chance.choice(OPEN)
        if len(self.members[dataset]) > 1:
            self.members[dataset].remove(self._chance.choice(self.members[dataset]))
            self._record()

    def rewrite(self) -> None:
        """Replace a file by another one of the same name and length, everywhere."""
        name = self._chance.choice(list(self.versions))
        size = len(self.versions[name][0])
        self.versions[name].append(self._chance.randbytes(size))
        for rse in self.listed[name]:
            self._store(name, rse)
        self._record()

    def cull(self) -> None:
        """Remove a replica; Rucio may not know it yet."""
        if not self.stored:
            return
        name, rse = self._chance.choice(list(self.stored))
        del self.stored[name, rse]
        if self._chance.random() < 0.5:
            self.listed[name].remove(rse)

    def move(self) -> None:
        """Move a replica to another RSE."""
        if not self.stored:
            return
        name, rse = self._chance.choice(list(self.stored))
        del self.stored[name, rse]
        self.listed[name].remove(rse)
        self._store(name, self._chance.choice(RSES))

    def spoil(self) -> None:
        """Let a replica be read wrongly from now on."""
        if self.stored:
            one = self._chance.choice(list(self.stored))
            self.faults[one] = self._chance.choice(("damaged", "short", "long", "broken", "stalled", "busy", "moody"))

    def mend(self) -> None:
        """End every fault, and store each file everywhere."""
        self.is_down = False
        self.down_rses.clear()
        self.faults.clear()
        self.token_ends_s = self.storage_token_ends_s = float("inf")
        for name in self.versions:
            for rse in RSES:
                self._store(name, rse)

    def settle(self) -> None:
        """Mend everything, with each file at one RSE that is not always the one of before."""
        self.mend()
        for name, rses in self.listed.items():
            rses[:] = [self._chance.choice(RSES)]
            for rse in RSES:
                if rse not in rses:
                    del self.stored[name, rse]

    def _store(self, name: str, rse: str) -> None:
        self.stored[name, rse] = self.versions[name][-1]
        if rse not in self.listed[name]:
            self.listed[name].append(rse)

    def _record(self) -> None:
        for dataset in self.members:
            state = self.state(dataset)
            if not self.history[dataset] or self.history[dataset][-1] != state:
                self.history[dataset].append(state)

    def state(self, dataset: str) -> State:
        """Return the present files of a dataset."""
        return frozenset((name, len(self.versions[name]) - 1) for name in self.members[dataset])

    def size(self, names: Iterable[str]) -> int:
        """Return the bytes of these files together."""
        return sum(len(self.versions[name][0]) for name in names)

    def version_of(self, name: str, content: bytes) -> int | None:
        """Return which version of the file these bytes are; None for none."""
        return next((at for at, one in enumerate(self.versions.get(name, ())) if one == content), None)

    # What the product asks.

    def ask(self, words: str) -> None:
        """Answer a request to Rucio, or fail."""
        self._call(f"ask {words}")
        if self.is_down:
            raise Offline("The server cannot be reached.", subject="sim")
        if self._now() > self.token_ends_s:
            raise CredentialsRejected("The token has ended.", subject="sim")
        self.answered += 1

    def entry(self, name: str) -> FileEntry:
        """Return a file as Rucio describes it."""
        content = self.versions[name][-1]
        return FileEntry(Did(SCOPE, name), len(content), f"{zlib.adler32(content):08x}")

    def send(self, name: str, rse: str, sink: Sink) -> None:
        """Send a file from one RSE."""
        self._call(f"get {name} {rse} {sink.offset}")
        if rse in self.down_rses:
            raise Unreachable("no connection")
        if self._now() > self.storage_token_ends_s:
            raise Refused("the token has ended")
        if (name, rse) not in self.stored:
            raise PermanentError("there is no such file")
        fault = self.faults.get((name, rse), "")
        if fault == "busy" or (fault == "moody" and self._chance.random() < 0.6):
            raise TransientError("it is busy", host=True, busy=True)
        content = _spoilt(self.stored[name, rse], fault)
        if sink.offset > len(content):
            sink.restart()
        step = max(1, len(content) // self._chance.randint(1, 4))
        while sink.offset < len(content):
            self._call("bytes")
            sink.check()
            piece = content[sink.offset : sink.offset + step]
            self.sent_bytes += len(piece)
            sink.write(piece)
            if fault == "broken" and sink.offset < len(content):
                raise TransientError("the connection broke")
            if fault == "stalled":
                sink.watch(self._now() + 60.0)


def _spoilt(content: bytes, fault: str) -> bytes:
    if fault == "damaged":
        return content[:-1] + bytes([content[-1] ^ 1])
    if fault == "short":
        return content[: len(content) // 2]
    return content + b"more" if fault == "long" else content


class VirtualCatalogues:
    """Takes the place of `nbrucio.catalogue.rucio.Catalogues`."""

    def __init__(self, grid: Grid, order: ReplicaOrder) -> None:
        self._grid = grid
        self._order = order

    def open(self, _: str) -> VirtualCatalogues:
        """Return the catalogue of the one instance."""
        return self

    def close(self) -> None:
        """Do nothing."""

    def describe(self, did: Did) -> DidFacts:
        """See `nbrucio.catalogue.base.Catalogue`."""
        self._grid.ask(f"describe {did}")
        if did.name in self._grid.members:
            return DidFacts(did, DidType.DATASET, open=did.name in OPEN)
        raise DidNotFound(f"{did} does not exist.", subject=str(did))

    def files(self, did: Did) -> Iterator[FileEntry]:
        """See `nbrucio.catalogue.base.Catalogue`."""
        self._grid.ask(f"files {did}")
        yield from map(self._grid.entry, list(self._grid.members[did.name]))

    def replicas(self, dids: Sequence[Did], _: object = None) -> Iterator[tuple[Did, tuple[Replica, ...]]]:
        """See `nbrucio.catalogue.base.Catalogue`."""
        self._grid.ask(f"replicas {' '.join(did.name for did in dids)}")
        for did in dids:
            for name in self._grid.members.get(did.name, [did.name]):
                found = [Replica(rse, f"https://{rse.lower()}.example/{name}") for rse in self._grid.listed[name]]
                yield Did(SCOPE, name), self._order.ordered(tuple(found), ())

    def replica_facts(self, dids: Sequence[Did]) -> Iterator[tuple[Did, tuple[ReplicaFacts, ...]]]:
        """See `nbrucio.catalogue.base.Catalogue`."""
        self._grid.ask("facts")
        for did in dids:
            facts = (ReplicaFacts(rse, "AVAILABLE", RseFacts(rse, True, False, ("https",))) for rse in RSES)
            yield did, tuple(one for one in facts if one.rse in self._grid.listed[did.name])


class VirtualStorage:
    """Takes the place of `nbrucio.transfer.http.Http`."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `nbrucio.transfer.base.Source`."""
        self._grid.send(replica.pfn.rpartition("/")[2], replica.rse, sink)

    def close(self) -> None:
        """Do nothing."""


def storage(grid: Grid) -> Callable[..., Any]:
    """Return what makes a `VirtualStorage` from the arguments of the real one."""
    return lambda *_: VirtualStorage(grid)


def catalogues(grid: Grid) -> Callable[..., Any]:
    """Return what makes `VirtualCatalogues` from the arguments of the real ones."""

    def made(_: object, order: ReplicaOrder | None = None) -> VirtualCatalogues:
        return VirtualCatalogues(grid, order or ReplicaOrder())

    return made
