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
from nbrucio.store.notices import Notices
from nbrucio.store.partial import Partial, Partials
from nbrucio.store.record import Stored, stored_at


class Arrival(NamedTuple):
    """A complete, verified partial file and the file that it is."""

    instance: str
    entry: FileEntry
    partial: Partial


class Committed(NamedTuple):
    """Result of a commit: an object or an error. ``moved_aside`` is the new path of a file that was in the way."""

    stored: Stored | None
    error: NbrucioError | None
    moved_aside: str | None = None


class Session:
    """Opens partial files and commits them. Methods are thread-safe."""

    def __init__(self, fs: FileSystem, layout: StoreLayout, notices: Notices) -> None:
        self._layout = layout
        self._partials = Partials(fs, layout.partial)
        self._committer = Committer(fs, layout, notices)

    def begin(self, instance: str, entry: FileEntry, before_block: Callable[[], None]) -> Partial:
        """Return a private partial for ``entry``: one left by a dead writer, summed again, else an empty one.

        Calls ``before_block`` before each read of an adopted partial; its exceptions stop the read.

        Raises:
            NbrucioError: the store cannot be written.
        """
        key = self._layout.place(instance, entry.did).key
        # Without a checksum, nothing would show that the rest belongs to another version of the file.
        resume = entry.checksum is not None
        try:
            return self._partials.take(key, want_md5=wants_md5(entry), resume=resume, before_block=before_block)
        except OSError as error:
            raise self.error(error, entry.did) from error

    def commit(self, arrivals: Sequence[Arrival]) -> tuple[Committed, ...]:
        """Commit ``arrivals`` and return their results in order. The partial of a failed commit is removed."""
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
        """Return the nbrucio error for a failed call of this session."""
        return store_error(error, self._layout.root, str(did) if did is not None else None)

    def _committed(self, candidate: Candidate) -> Committed:
        if candidate.error is not None:
            candidate.partial.discard()
            return Committed(None, self.error(candidate.error, candidate.did), candidate.moved_aside)
        candidate.partial.release()
        assert candidate.found is not None
        return Committed(stored_at(candidate.place, candidate.sums, candidate.found), None, candidate.moved_aside)
