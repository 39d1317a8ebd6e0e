"""From a partial that is proved right to an object with a record: the one way into ``objects/``.

For each file the order is: bytes reach the disk, read-only, rename to the final name, folders reach the disk, record.
Several files go through each step together, since one flush of the file system for a hundred small files costs about
as much as a flush for one. ``docs/store.md`` says what a crash between two steps leaves behind.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from nbrucio.core.did import Did
from nbrucio.store.checksums import Sums
from nbrucio.store.fs import FileSystem, write_new, write_whole
from nbrucio.store.layout import Place, StoreLayout
from nbrucio.store.partial import Partial
from nbrucio.store.record import Record

#: From this many files on, one flush of the whole file system is cheaper than one a file. Below, other programs'
#: unwritten data is not ours to wait for.
_GROUP = 8
_READ_ONLY = 0o444


@dataclass(slots=True)
class Candidate:
    """One proved partial on its way to its final name; ``fault`` is what stopped it."""

    instance: str
    did: Did
    place: Place
    partial: Partial
    sums: Sums
    found: os.stat_result | None = None
    fault: OSError | None = None
    moved_aside: str | None = None


class Committer:
    """Commits partials of one store."""

    def __init__(self, fs: FileSystem, layout: StoreLayout) -> None:
        self._fs = fs
        self._layout = layout

    def commit(self, candidates: Sequence[Candidate]) -> None:
        """Carry ``candidates`` through every step; one that fails keeps its ``fault`` and stays out of ``objects/``.

        A fault after the rename leaves a good object without a record, which the next look-up reads again.
        """
        together = len(candidates) >= _GROUP
        _each(candidates, self._flush_data(together, candidates))
        _each(candidates, self._settle)
        _each(candidates, self._name)
        _each(candidates, self._flush_folders(together))
        _each(candidates, self._record)

    def _record(self, candidate: Candidate) -> None:
        """Write the record of an object that is under its final name."""
        place, did, found = candidate.place, candidate.did, candidate.found
        assert found is not None
        record = Record(candidate.instance, did.scope, did.name, candidate.sums, found.st_mtime_ns, found.st_ino)
        data = record.to_bytes()
        # Where there was none, nobody can take a record that is not whole for another.
        if write_new(self._fs, place.record, data):
            return
        # There is one: of an object that is no more, or of another process that committed the same file meanwhile.
        if self._fs.lstat(place.path).st_ino == found.st_ino:
            try:
                write_whole(self._fs, place.record, self._layout.scratch(), data)
            except IsADirectoryError:
                candidate.moved_aside = self._move_aside(place.record)
                write_whole(self._fs, place.record, self._layout.scratch(), data)

    def _flush_data(self, together: bool, candidates: Sequence[Candidate]) -> Callable[[Candidate], None]:
        if together and self._sync_all(candidates):
            return _nothing
        return lambda candidate: self._fs.fsync(_fd(candidate))

    def _sync_all(self, candidates: Sequence[Candidate]) -> bool:
        """Whether one flush did it; where it did not, a flush a file says which one is at fault."""
        try:
            self._fs.sync_all(_fd(candidates[0]))
        except OSError:
            return False
        return True

    def _settle(self, candidate: Candidate) -> None:
        """Make the file read-only and remember the inode that was summed."""
        fd = _fd(candidate)
        self._fs.fchmod(fd, _READ_ONLY)
        candidate.found = self._fs.fstat(fd)
        candidate.partial.close()

    def _name(self, candidate: Candidate) -> None:
        """Give the file its final name. The folder is usually there, since it is what was locked."""
        source, target = candidate.partial.path, candidate.place.path
        try:
            self._fs.rename(source, target)
        except (FileNotFoundError, NotADirectoryError):
            for folder in (candidate.place.shelf, candidate.place.folder):
                self._make(folder, candidate)
            self._fs.rename(source, target)
        except OSError as error:
            if error.errno not in (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST):
                raise
            candidate.moved_aside = self._move_aside(target)
            self._fs.rename(source, target)

    def _make(self, folder: str, candidate: Candidate) -> None:
        """Make a folder unless it is there. What stands in its way is moved aside."""
        try:
            self._fs.mkdir(folder)
        except FileExistsError:
            if not stat.S_ISDIR(self._fs.lstat(folder).st_mode):
                candidate.moved_aside = self._move_aside(folder)
                self._fs.mkdir(folder)

    def _move_aside(self, path: str) -> str:
        """Give what is at ``path`` another name; where it is now."""
        with suppress(FileExistsError):
            self._fs.mkdir(self._layout.aside)
        target = self._layout.scratch(self._layout.aside)
        self._fs.rename(path, target)
        return target

    def _flush_folders(self, together: bool) -> Callable[[Candidate], None]:
        if together and self._sync_all_folders():
            return _nothing
        return self._flush_folders_of

    def _flush_folders_of(self, candidate: Candidate) -> None:
        # The folders above may be new as well; a flush of one that is not costs little.
        for folder in (candidate.place.folder, candidate.place.shelf, self._layout.objects):
            fd = self._fs.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self._fs.fsync(fd)
            finally:
                self._fs.close(fd)

    def _sync_all_folders(self) -> bool:
        try:
            fd = self._fs.open(self._layout.objects, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self._fs.sync_all(fd)
            finally:
                self._fs.close(fd)
        except OSError:
            return False
        return True


def _each(candidates: Iterable[Candidate], step: Callable[[Candidate], None]) -> None:
    for candidate in candidates:
        if candidate.fault is None:
            try:
                step(candidate)
            except OSError as error:
                candidate.fault = error


def _nothing(candidate: Candidate) -> None:
    """``candidate`` needs no step of its own."""


def _fd(candidate: Candidate) -> int:
    assert candidate.partial.fd is not None
    return candidate.partial.fd
