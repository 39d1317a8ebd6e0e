"""Commit: turn a verified partial file into an object with a record. Nothing else writes ``objects/``.

Order for each file: flush the bytes, make the file read-only, rename it to its final name, flush the folders, write the
record. Files of a batch go through each step together, because one flush of the file system for a hundred small files
costs about as much as a flush for one. ``docs/store.md`` lists what a crash between two steps leaves behind.
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
from nbrucio.store.notices import REFUSALS, Notices
from nbrucio.store.partial import Partial
from nbrucio.store.record import Record

#: Batch size from which one flush of the whole file system is cheaper than one per file. Smaller batches should not
#: wait for unwritten data of other programs.
_GROUP = 8
_READ_ONLY = 0o444


@dataclass(slots=True)
class Candidate:
    """A verified partial file during its commit; ``error`` is set when a step failed."""

    instance: str
    did: Did
    place: Place
    partial: Partial
    sums: Sums
    found: os.stat_result | None = None
    error: OSError | None = None
    moved_aside: str | None = None


class Committer:
    """Commits partial files of one store."""

    def __init__(self, fs: FileSystem, layout: StoreLayout, notices: Notices) -> None:
        self._fs = fs
        self._layout = layout
        self._notices = notices

    def commit(self, candidates: Sequence[Candidate]) -> None:
        """Run every step for ``candidates``. A candidate whose step fails gets its ``error`` and skips the other steps.

        An error after the rename leaves a good object without a record; the next `Store.find` reads it again.
        """
        together = len(candidates) >= _GROUP
        _each(candidates, self._flush_data(together, candidates))
        _each(candidates, self._settle)
        _each(candidates, self._name)
        _each(candidates, self._flush_folders(together))
        _each(candidates, self._record)

    def _record(self, candidate: Candidate) -> None:
        """Write the record of an object that has its final name."""
        place, did, found = candidate.place, candidate.did, candidate.found
        assert found is not None
        record = Record(candidate.instance, did.scope, did.name, candidate.sums, found.st_mtime_ns, found.st_ino)
        data = record.to_bytes()
        # Without an earlier record, a reader cannot take an incomplete record for another one.
        if write_new(self._fs, place.record, data):
            return
        # The existing record belongs to a removed object, or to a process that committed the same file meanwhile.
        if self._fs.lstat(place.path).st_ino == found.st_ino:
            try:
                write_whole(self._fs, place.record, self._layout.scratch(), data)
            except IsADirectoryError:
                candidate.moved_aside = self._move_aside(place.record)
                write_whole(self._fs, place.record, self._layout.scratch(), data)

    def _flush_data(self, together: bool, candidates: Sequence[Candidate]) -> Callable[[Candidate], None]:
        if together and self._sync_all(candidates):
            return _nothing
        return self._flush_file

    def _flush_file(self, candidate: Candidate) -> None:
        try:
            self._fs.fsync(_fd(candidate))
        except OSError as error:
            # Some file systems have no such call. There only `nbrucio verify` finds what a power cut left unwritten.
            if error.errno not in REFUSALS:
                raise

    def _sync_all(self, candidates: Sequence[Candidate]) -> bool:
        """Whether one flush sufficed; after a failure, a flush per file shows which file failed."""
        try:
            self._fs.sync_all(_fd(candidates[0]))
        except OSError:
            return False
        return True

    def _settle(self, candidate: Candidate) -> None:
        """Make the file read-only and record the stat of the inode that was summed."""
        fd = _fd(candidate)
        self._make_read_only(fd)
        candidate.found = self._fs.fstat(fd)
        if candidate.found.st_size != candidate.sums.size_bytes:
            raise OSError(errno.ESTALE, "another program changed the file")
        candidate.partial.close()

    def _make_read_only(self, fd: int) -> None:
        """Protect the file from accidental writes. A later change is noticed without that, too: by size and time."""
        try:
            self._fs.fchmod(fd, _READ_ONLY)
        except OSError as error:
            if error.errno not in REFUSALS:
                raise
            self._notices.send(
                f"The file system of the cache {self._layout.root} refuses to make files read-only ({error.strerror}). "
                "Take care not to write to them."
            )

    def _name(self, candidate: Candidate) -> None:
        """Rename the file to its final name. The folder usually exists, because it was locked."""
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
        """Create a folder unless it exists. Move aside any other file of that name."""
        try:
            self._fs.mkdir(folder)
        except FileExistsError:
            if not stat.S_ISDIR(self._fs.lstat(folder).st_mode):
                candidate.moved_aside = self._move_aside(folder)
                self._fs.mkdir(folder)

    def _move_aside(self, path: str) -> str:
        """Rename ``path`` into the folder ``aside``; return its new path."""
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
        # The folders above may be new as well; flushing an old one costs little.
        for folder in (candidate.place.folder, candidate.place.shelf, self._layout.objects):
            fd = self._fs.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self._fs.fsync(fd)
            except OSError as error:
                # Some network file systems cannot flush a folder. After a power cut the file may be missing, not wrong.
                if error.errno not in REFUSALS:
                    raise
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
        if candidate.error is None:
            try:
                step(candidate)
            except OSError as error:
                candidate.error = error


def _nothing(candidate: Candidate) -> None:
    """The step when one flush already covered every candidate."""


def _fd(candidate: Candidate) -> int:
    assert candidate.partial.fd is not None
    return candidate.partial.fd
