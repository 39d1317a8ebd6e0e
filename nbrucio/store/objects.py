"""What lies under the final names of a store: found by its record, or read and judged.

Whatever lies there is a candidate. Its record says whether it is the file that was verified; where the record does not
(the file was touched, replaced, restored or copied, or there is no record), only a read tells.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from nbrucio.core.files import FileEntry
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
    """What a read of whatever lies under a final name came to.

    Attributes:
        stored: the object, when it is right.
        fault: what is wrong with what lies there, as in "it has 3 bytes instead of 5"; None when nothing is wrong.
        removed: whether what was wrong is gone.

    When all are empty, nothing lies there, or it is a whole file that is not the one that the catalogue has now.
    """

    stored: Stored | None = None
    fault: str | None = None
    removed: bool = False


class Objects:
    """The objects of one store, by their places. Methods raise `OSError` as the file system does."""

    def __init__(self, fs: FileSystem, layout: StoreLayout, remembered: Remembered) -> None:
        self._fs = fs
        self._layout = layout
        self._remembered = remembered

    def find(self, place: Place, entry: FileEntry) -> Stored | None:
        """The object at ``place`` if it is the file that was verified, and ``entry`` describes it. Never raises."""
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
        """Whether a read may show that ``entry`` lies at ``place``, where `find` found nothing. Never raises."""
        try:
            found = self._fs.lstat(place.path)
        except OSError:
            return False
        if not stat.S_ISREG(found.st_mode) or entry.size_bytes not in (None, found.st_size):
            return False
        record = self._record(place)
        if record is None:
            return entry.checksum is not None
        # Of what was verified as it is, the sums are known: a read would tell nothing new.
        return not record.describes(found) or record.sums.fault(entry) is None

    def examine(
        self,
        place: Place,
        instance: str,
        entry: FileEntry,
        before_block: Callable[[], None],
        *,
        shared: bool = False,
    ) -> Examined:
        """Read what lies at ``place``, give it a record if it is right, and remove it if it is a file that is wrong.

        Links are not followed, and nothing but a file is opened or removed: a commit takes its place. Where other
        instances share the place, what was not verified as ``entry`` may be theirs, and stays as it is.
        """
        known = self._record(place)
        if shared and known is not None and not known.sums.proves(entry):
            return Examined()
        found, sums, fault = self._judge(place, entry, known, before_block)
        if fault is None and found is not None and sums is not None:
            self._mend(place, instance, entry, found, sums, known)
            return Examined(stored_at(place, sums, found))
        if fault is None or (shared and known is None):
            return Examined()
        if found is None or not stat.S_ISREG(found.st_mode):
            return Examined(fault=fault)
        return self._wrong(place, found, sums, fault)

    def _judge(
        self, place: Place, entry: FileEntry, known: Record | None, before_block: Callable[[], None]
    ) -> tuple[os.stat_result | None, Sums | None, str | None]:
        """Stat, sums and fault of what lies at ``place``. Without sums nothing was read."""
        try:
            found = self._fs.lstat(place.path)
        except FileNotFoundError:
            return None, None, None
        except NotADirectoryError:
            return None, None, "a file is in the place of its folder"
        if not stat.S_ISREG(found.st_mode):
            return found, None, _KINDS.get(stat.S_IFMT(found.st_mode), "it is not a file")
        # What is as it was verified is not wrong: the catalogue has another file under this name now.
        if entry.size_bytes not in (None, found.st_size):
            is_whole = known is not None and known.describes(found)
            return found, None, None if is_whole else f"it has {found.st_size} bytes instead of {entry.size_bytes}"
        found, sums = self._read(place, entry, before_block)
        fault = _fault(sums, known, entry)
        if fault is not None and known is not None and known.sums.sha256 == sums.sha256:
            return found, None, None
        return found, sums, fault

    def remove(self, place: Place) -> int:
        """Remove the object at ``place``; the bytes that this freed.

        It first leaves its final name, so that nobody finds half a removal.
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
            if _stat(self._fs.fstat(fd)) != _stat(found):
                raise OSError(errno.EAGAIN, "it changed while it was read")
            return found, sums
        finally:
            self._fs.close(fd)

    def _mend(
        self, place: Place, instance: str, entry: FileEntry, found: os.stat_result, sums: Sums, known: Record | None
    ) -> None:
        """Write the record of an object that is right; where the store cannot be written, remember what was read."""
        record = Record(instance, entry.did.scope, entry.did.name, sums, found.st_mtime_ns, found.st_ino)
        written = record == known
        if not written:
            with suppress(OSError):
                write_whole(self._fs, place.record, self._scratch(), record.to_bytes())
                written = True
        if not written or self._remembered.get(place.key) is not None:
            self._remember(place, found, sums)

    def _wrong(self, place: Place, found: os.stat_result, sums: Sums | None, fault: str) -> Examined:
        try:
            if _stat(self._fs.lstat(place.path)) != _stat(found):
                return Examined()  # another process put a file in its place meanwhile
            self.remove(place)
        except OSError:
            if sums is not None:  # a wrong size tells by itself
                self._remember(place, found, sums)
            return Examined(fault=fault)
        return Examined(fault=fault, removed=True)

    def _remember(self, place: Place, found: os.stat_result, sums: Sums) -> None:
        self._remembered.keep(place.key, Read(_stat(found), sums))

    def _scratch(self) -> str:
        """A new path among the partial files, whose folder a store that was restored in part may lack."""
        with suppress(FileExistsError):
            self._fs.mkdir(self._layout.partial)
        return self._layout.scratch()

    def _record(self, place: Place) -> Record | None:
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


def _stat(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino


def _known(record: Record | None, remembered: Read | None, found: os.stat_result) -> Sums | None:
    """The sums of the file with this stat; None when nobody read it as it is."""
    if remembered is not None and remembered.stat == _stat(found) and stat.S_ISREG(found.st_mode):
        return remembered.sums
    return record.sums if record is not None and record.describes(found) else None


def _fault(sums: Sums, known: Record | None, entry: FileEntry) -> str | None:
    """In which way bytes with these sums are not ``entry``; ``known`` is what they were when they were verified."""
    fault = sums.fault(entry)
    if fault is not None:
        return f"it has {fault}"
    if known is None:
        return None if entry.checksum else "Rucio has no checksum to compare it with, and its record is lost"
    # A record of other content under the same name says nothing of this file.
    if known.sums.sha256 != sums.sha256 and known.sums.fault(entry) is None:
        return "its bytes are not those that were verified"
    return None
