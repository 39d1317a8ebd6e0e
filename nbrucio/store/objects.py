"""Objects of a store: find them by their record, or read and check them.

Every file under a final name is a candidate. The record shows whether it is still the verified file. When the record
does not match (the file was touched, replaced, restored or copied) or is missing, only reading the file can tell.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from nbrucio.core.files import FileEntry
from nbrucio.disk.read import stamp_of
from nbrucio.store.checksums import Sums, wants_md5
from nbrucio.store.fs import FileSystem, write_whole
from nbrucio.store.layout import Place, StoreLayout
from nbrucio.store.record import Record, Stored, parse_record, stored_at
from nbrucio.store.remembered import Read, Remembered

_RECORD_MAX_BYTES = 16384
_KINDS = {
    stat.S_IFLNK: "it is a symbolic link",
    stat.S_IFDIR: "it is a folder",
    stat.S_IFIFO: "it is a pipe",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}


class Examined(NamedTuple):
    """Result of reading the file under a final name.

    Attributes:
        stored: the object, when it is correct.
        problem: what is wrong, as in "it has 3 bytes instead of 5"; None when nothing is wrong.
        removed: whether the wrong file was removed.

    All empty: nothing is there, or it is an intact file that the catalogue meanwhile replaced by another.
    """

    stored: Stored | None = None
    problem: str | None = None
    removed: bool = False


class Objects:
    """The objects of one store, by their places. Methods raise `OSError` unless they say otherwise.

    Args:
        believed: whether the store's own records count; otherwise only what this user read.
    """

    def __init__(self, fs: FileSystem, layout: StoreLayout, remembered: Remembered, *, believed: bool = True) -> None:
        self._fs = fs
        self._believed = believed
        self._layout = layout
        self._remembered = remembered

    def find(self, place: Place, entry: FileEntry) -> Stored | None:
        """Return the object at ``place`` if it matches ``entry`` and its record; else None. Never raises."""
        record = self._record(place)
        remembered = self._remembered.get(place.key)
        if record is None and remembered is None:
            return None
        try:
            found = self._fs.lstat(place.path)
        except OSError:
            return None
        sums = _known(record, remembered, found)
        return stored_at(place, sums, found) if sums is not None and sums.proves(entry) else None

    def is_candidate(self, place: Place, entry: FileEntry) -> bool:
        """Whether reading the file at ``place`` may show that it is ``entry`` although `find` returned None.

        Never raises.
        """
        try:
            found = self._fs.lstat(place.path)
        except OSError:
            return False
        if not stat.S_ISREG(found.st_mode) or entry.size_bytes not in (None, found.st_size):
            return False
        record = self._record(place)
        if record is None:
            return entry.checksum is not None
        # The sums of an unchanged file are known; reading it again would add nothing.
        return not record.describes(found) or record.sums.mismatch(entry) is None

    def examine(
        self,
        place: Place,
        instance: str,
        entry: FileEntry,
        before_block: Callable[[], None],
        *,
        shared: bool = False,
    ) -> Examined:
        """Read the file at ``place``: write its record if it is correct, remove it if it is wrong.

        Links are not followed, and only regular files are opened or removed; a commit replaces anything else. With
        ``shared``, other instances use the same place: a file that was not verified as ``entry`` may be theirs and
        stays.
        """
        known = self._record(place)
        if shared and known is not None and not known.sums.proves(entry):
            return Examined()
        found, sums, problem = self._judge(place, entry, known, before_block)
        if problem is None and found is not None and sums is not None:
            self._mend(place, instance, entry, found, sums, known)
            return Examined(stored_at(place, sums, found))
        if problem is None or (shared and known is None):
            return Examined()
        if found is None or not stat.S_ISREG(found.st_mode):
            return Examined(problem=problem)
        return self._wrong(place, found, sums, problem)

    def _judge(
        self, place: Place, entry: FileEntry, known: Record | None, before_block: Callable[[], None]
    ) -> tuple[os.stat_result | None, Sums | None, str | None]:
        """Return stat, sums and problem of the file at ``place``. Without sums nothing was read."""
        try:
            found = self._fs.lstat(place.path)
        except FileNotFoundError:
            return None, None, None
        except NotADirectoryError:
            return None, None, "a file is in the place of its folder"
        if not stat.S_ISREG(found.st_mode):
            return found, None, _KINDS.get(stat.S_IFMT(found.st_mode), "it is not a file")
        # An unchanged verified file is not wrong: the catalogue has another file of this name now.
        if entry.size_bytes not in (None, found.st_size):
            is_whole = known is not None and known.describes(found)
            return found, None, None if is_whole else f"it has {found.st_size} bytes instead of {entry.size_bytes}"
        found, sums = self._read(place, entry, before_block)
        problem = _problem(sums, known, entry)
        if problem is not None and known is not None and known.sums.sha256 == sums.sha256:
            return found, None, None
        return found, sums, problem

    def remove(self, place: Place) -> int:
        """Remove the object at ``place``; return the number of bytes freed.

        The file first leaves its final name, so that no reader finds a half-finished removal.
        """
        with suppress(FileNotFoundError):
            self._fs.unlink(place.record)
        try:
            size_bytes = self._fs.lstat(place.path).st_size
            scratch = self._scratch()
            self._fs.rename(place.path, scratch)
        except (FileNotFoundError, NotADirectoryError):
            return 0
        self._fs.unlink(scratch)
        with suppress(OSError):
            self._fs.rmdir(place.folder)
        return size_bytes

    def _read(self, place: Place, entry: FileEntry, before_block: Callable[[], None]) -> tuple[os.stat_result, Sums]:
        from nbrucio.store.checksums import sum_file

        fd = self._fs.open(place.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            found = self._fs.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EAGAIN, "it is being replaced")
            sums = sum_file(self._fs, fd, want_md5=wants_md5(entry), before_block=before_block).result()
            if stamp_of(self._fs.fstat(fd)) != stamp_of(found):
                raise OSError(errno.EAGAIN, "it changed while it was read")
            return found, sums
        finally:
            self._fs.close(fd)

    def _mend(
        self, place: Place, instance: str, entry: FileEntry, found: os.stat_result, sums: Sums, known: Record | None
    ) -> None:
        """Write the record of a correct object; in a read-only store, remember the sums instead."""
        record = Record(instance, entry.did.scope, entry.did.name, sums, found.st_mtime_ns, found.st_ino)
        written = record == known
        if not written:
            with suppress(OSError):
                write_whole(self._fs, place.record, self._scratch(), record.to_bytes())
                written = True
        if not written or self._remembered.get(place.key) is not None:
            self._remember(place, found, sums)

    def _wrong(self, place: Place, found: os.stat_result, sums: Sums | None, problem: str) -> Examined:
        try:
            if stamp_of(self._fs.lstat(place.path)) != stamp_of(found):
                return Examined()  # another process replaced the file meanwhile
            self.remove(place)
        except OSError:
            if sums is not None:  # a wrong size needs no sums
                self._remember(place, found, sums)
            return Examined(problem=problem)
        return Examined(problem=problem, removed=True)

    def _remember(self, place: Place, found: os.stat_result, sums: Sums) -> None:
        self._remembered.add(place.key, Read(stamp_of(found), sums))

    def _scratch(self) -> str:
        """Return a new path among the partial files. A partly restored store may lack that folder."""
        with suppress(FileExistsError):
            self._fs.mkdir(self._layout.partial)
        return self._layout.scratch()

    def _record(self, place: Place) -> Record | None:
        if not self._believed:
            return None
        try:
            fd = self._fs.open(place.record, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            text = self._fs.read(fd, _RECORD_MAX_BYTES)
        except OSError:
            return None
        finally:
            self._fs.close(fd)
        return parse_record(text)


def _known(record: Record | None, remembered: Read | None, found: os.stat_result) -> Sums | None:
    """Return the sums of the file with this stat; None when it was not read in this state."""
    if remembered is not None and remembered.stat == stamp_of(found) and stat.S_ISREG(found.st_mode):
        return remembered.sums
    return record.sums if record is not None and record.describes(found) else None


def _problem(sums: Sums, known: Record | None, entry: FileEntry) -> str | None:
    """Describe how bytes with these sums differ from ``entry``; ``known`` is the object's record."""
    problem = sums.mismatch(entry)
    if problem is not None:
        return f"it has {problem}"
    if known is None:
        return None if entry.checksum else "Rucio has no checksum to compare it with, and its record is lost"
    # A record of other content under the same name does not describe this file.
    if known.sums.sha256 != sums.sha256 and known.sums.mismatch(entry) is None:
        return "its bytes are not those that were verified"
    return None
