"""One run that writes files into a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry
from nbrucio.errors import NbrucioError
from nbrucio.store.checksums import wants_md5
from nbrucio.store.commit import Candidate, Committer
from nbrucio.store.errors import store_error
from nbrucio.store.fs import FileSystem
from nbrucio.store.layout import StoreLayout
from nbrucio.store.partial import Partial, Partials
from nbrucio.store.record import Stored, stored_at


class Arrival(NamedTuple):
    """A partial with all bytes, found right, and whose file it is."""

    instance: str
    entry: FileEntry
    partial: Partial


class Committed(NamedTuple):
    """What became of an arrival: an object, or an error; ``moved_aside`` is where a thing in its way went."""

    stored: Stored | None
    error: NbrucioError | None
    moved_aside: str | None = None


class Session:
    """Gives out partials and commits them. Methods may be called from several threads."""

    def __init__(self, fs: FileSystem, layout: StoreLayout) -> None:
        self._layout = layout
        self._partials = Partials(fs, layout.partial)
        self._committer = Committer(fs, layout)

    def begin(self, instance: str, entry: FileEntry, before_block: Callable[[], None]) -> Partial:
        """A private partial for ``entry``: what a dead writer left of it, summed again, else an empty one.

        ``before_block`` is called before each read of what was left, and may raise to stop.

        Raises:
            NbrucioError: the store cannot be written.
        """
        key = self._layout.place(instance, entry.did).key
        # Without a checksum nothing would show that the rest came from another version of the file.
        resume = entry.checksum is not None
        try:
            return self._partials.take(key, want_md5=wants_md5(entry), resume=resume, before_block=before_block)
        except OSError as error:
            raise self.error(error, entry.did) from error

    def commit(self, arrivals: Sequence[Arrival]) -> tuple[Committed, ...]:
        """Make objects of ``arrivals``, in their order. The partial of one that fails is removed."""
        candidates = [
            Candidate(
                arrival.instance,
                arrival.entry.did,
                self._layout.place(arrival.instance, arrival.entry.did),
                arrival.partial,
                arrival.partial.sums(),
            )
            for arrival in arrivals
        ]
        self._committer.commit(candidates)
        return tuple(self._committed(candidate) for candidate in candidates)

    def error(self, error: OSError, did: Did | None = None) -> NbrucioError:
        """The error of the tree for a call of this session that failed."""
        return store_error(error, self._layout.root, str(did) if did is not None else None)

    def _committed(self, candidate: Candidate) -> Committed:
        if candidate.fault is not None:
            candidate.partial.discard()
            return Committed(None, self.error(candidate.fault, candidate.did), candidate.moved_aside)
        candidate.partial.release()
        assert candidate.found is not None
        return Committed(stored_at(candidate.place, candidate.sums, candidate.found), None, candidate.moved_aside)
