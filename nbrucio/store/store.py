"""The local cache of verified files. ``docs/store.md`` draws its layout and its order of writing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.catalogue.base import FileEntry
from nbrucio.did import Did
from nbrucio.errors import NbrucioError
from nbrucio.store.faults import store_error
from nbrucio.store.fs import REAL, FileSystem, write_whole
from nbrucio.store.layout import Layout, Place
from nbrucio.store.lock import Lock, try_lock
from nbrucio.store.record import Record, parse_record, wants_md5
from nbrucio.store.value import Stored, Usage, stored_at
from nbrucio.store.views import find_view, make_view

if TYPE_CHECKING:
    from nbrucio.store.session import Session

_RECORD_MAX_BYTES = 16384
_CACHEDIR_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n# The store of nbrucio: files that can be downloaded again.\n"
)


def _never() -> None:
    """Nothing stops this."""


class Store:
    """One store. Its methods may be called from several threads and processes at once.

    Args:
        root: its folder; nothing is made or touched there until something is written.
        fs: every file-system call goes through this.
        locks: whether processes that want the same file wait for each other. It saves bandwidth, nothing else.
    """

    def __init__(self, root: Path, *, fs: FileSystem = REAL, locks: bool = True) -> None:
        self.root = root
        self._fs = fs
        self._layout = Layout(str(root.absolute()))
        self._locks = locks

    def find(self, instance: str, entry: FileEntry) -> Stored | None:
        """The object for ``entry`` if it is here, unchanged since it was verified and as the catalogue has it now.

        Costs one read of the record and one stat; no lock, no network, no read of the object. Never raises.
        """
        found = self._find(self._layout.place(instance, entry.did), entry)
        former = self._former(instance, entry) if found is None else None
        return found if former is None else self._find(former[1], entry)

    def verify(self, instance: str, entry: FileEntry, *, before_block: Callable[[], None] = _never) -> Stored | None:
        """As `find`, but every byte is read again; an object that is not right is removed.

        An object without a record, which a crash may leave, gets one. ``before_block`` is called before each read.

        Raises:
            NbrucioError: the store cannot be read or written.
        """
        place = self._layout.place(instance, entry.did)
        former = None if self._exists(place.path) else self._former(instance, entry)
        name, place = former or (instance, place)
        try:
            return self._verify(place, name, entry, before_block, shared=former is not None)
        except OSError as error:
            raise self.error(error, entry.did) from error

    def remove(self, instance: str, did: Did) -> int:
        """Remove the object for ``did``; the bytes that this freed, 0 when there was none.

        Raises:
            NbrucioError: it is there and cannot be removed.
        """
        place = self._layout.place(instance, did)
        try:
            return self._remove(place)
        except OSError as error:
            raise self.error(error, did) from error

    def view(self, instance: str, did: Did, files: Sequence[tuple[Did, str]]) -> Path:
        """The folder that holds one link for each of ``files``, refreshed at once or not at all.

        Link names are those of the files where these are safe and distinct; a digest is added to the others.

        Raises:
            NbrucioError: it cannot be written.
        """
        try:
            self._prepare()
            return make_view(self._fs, self._layout, instance, did, files)
        except OSError as error:
            raise self.error(error, did) from error

    def where(self, instance: str, did: Did) -> Path | None:
        """Where people find what is here of ``did``: the file, or the folder that `view` made last; None for nothing.

        Nothing is verified, and of a dataset more may be missing.
        """
        former = self._layout.former(instance, did)
        for place in (self._layout.place(instance, did), *([former[1]] if former else [])):
            if self._exists(place.path):
                return Path(place.path)
        try:
            return find_view(self._fs, self._layout, instance, did)
        except OSError as error:
            raise self.error(error, did) from error

    def free_bytes(self) -> int:
        """Bytes that this user can still write at the store's file system, also before the store is made.

        Raises:
            NbrucioError: that file system does not answer.
        """
        folder = Path(self._layout.root)
        while True:
            try:
                found = self._fs.statvfs(str(folder))
            except (FileNotFoundError, NotADirectoryError) as error:
                if folder == folder.parent:
                    raise self.error(error) from error
                folder = folder.parent
            except OSError as error:
                raise self.error(error) from error
            else:
                return found.f_bavail * found.f_frsize

    def usage(self) -> Usage:
        """Files, their bytes, and the bytes of partial files. What vanishes meanwhile is not counted."""
        files = size_bytes = 0
        for shelf in self._list(self._layout.objects):
            for name in self._list(f"{self._layout.objects}/{shelf}"):
                for base in [] if name.endswith(".json") else self._list(f"{self._layout.objects}/{shelf}/{name}"):
                    files += 1
                    size_bytes += self._size(f"{self._layout.objects}/{shelf}/{name}/{base}")
        partial = sum(self._size(f"{self._layout.partial}/{name}") for name in self._list(self._layout.partial))
        return Usage(files, size_bytes, partial)

    # What the transfer engine needs.

    def session(self) -> Session:
        """A run that writes files; makes the store's folders.

        Raises:
            NbrucioError: the store cannot be written.
        """
        try:
            self._prepare()
        except OSError as error:
            raise self.error(error) from error
        from nbrucio.store.session import Session  # what is here already is found without what writes

        return Session(self._fs, self._layout)

    def lock(self, instance: str, did: Did) -> Lock | None:
        """The lock of one file, to be released; None when another writer has it.

        Where locks do not work (or are off) everyone gets one: two writers then bring the same file twice.
        """
        return try_lock(self._fs, self._layout.place(instance, did)) if self._locks else Lock(self._fs, None)

    def error(self, error: OSError, did: Did | None = None) -> NbrucioError:
        """The error of the tree for a file-system call that failed below this store."""
        return store_error(error, self._layout.root, str(did) if did is not None else None)

    def has_object(self, instance: str, did: Did) -> bool:
        """Whether something is under the final name of ``did``, or under its former one, verified or not."""
        former = self._layout.former(instance, did)
        return self._exists(self._layout.place(instance, did).path) or bool(former and self._exists(former[1].path))

    def _prepare(self) -> None:
        layout = self._layout
        for folder in (*map(str, reversed(Path(layout.root).parents)), layout.root, layout.objects, layout.partial):
            if not self._exists(folder):
                with suppress(FileExistsError):
                    self._fs.mkdir(folder)
        if not self._exists(layout.tag):
            write_whole(self._fs, layout.tag, layout.scratch(), _CACHEDIR_TAG)

    def _former(self, instance: str, entry: FileEntry) -> tuple[str, Place] | None:
        """`Layout.former`, where a checksum can show whether what lies there is this file."""
        return None if entry.checksum is None else self._layout.former(instance, entry.did)

    def _find(self, place: Place, entry: FileEntry) -> Stored | None:
        record = self._record(place)
        if record is None or not record.sums.proves(entry):
            return None
        try:
            found = self._fs.lstat(place.path)
        except OSError:
            return None
        return stored_at(place, record.sums, found) if record.describes(found) else None

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

    def _verify(
        self, place: Place, instance: str, entry: FileEntry, before_block: Callable[[], None], *, shared: bool
    ) -> Stored | None:
        """`verify` of what is at ``place``. Where other instances share that, their files stay as they are."""
        known = self._record(place)
        if shared and known is not None and not known.sums.proves(entry):
            return None
        try:
            fd = self._fs.open(place.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None  # absent, or nothing of ours; whatever it is, a commit moves it out of the way
        try:
            found = self._fs.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                return None
            from nbrucio.store.partial import sum_file

            sums = sum_file(self._fs, fd, want_md5=wants_md5(entry), before_block=before_block).result()
        finally:
            self._fs.close(fd)
        changed = known is not None and known.sums.sha256 != sums.sha256
        if changed or not sums.proves(entry):
            if changed or not shared:
                self._remove(place)
            return None
        record = Record(instance, entry.did.scope, entry.did.name, sums, found.st_mtime_ns, found.st_ino)
        if record != known:
            write_whole(self._fs, place.record, self._layout.scratch(), record.to_bytes())
        return stored_at(place, sums, found)

    def _remove(self, place: Place) -> int:
        """The object first leaves its final name, so that nobody finds half a removal."""
        with suppress(FileNotFoundError):
            self._fs.unlink(place.record)
        scratch = self._layout.scratch()
        try:
            size_bytes = self._fs.lstat(place.path).st_size
            self._fs.rename(place.path, scratch)
        except (FileNotFoundError, NotADirectoryError):
            return 0
        self._fs.unlink(scratch)
        with suppress(OSError):
            self._fs.rmdir(place.folder)
        return size_bytes

    def _exists(self, path: str) -> bool:
        return self._size(path, absent=-1) >= 0

    def _size(self, path: str, absent: int = 0) -> int:
        try:
            return self._fs.lstat(path).st_size
        except OSError:
            return absent

    def _list(self, folder: str) -> list[str]:
        try:
            return self._fs.listdir(folder)
        except OSError:
            return []
