"""The local cache of verified files. ``docs/store.md`` describes its layout and its order of writing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.core.did import Did
from nbrucio.core.eviction import CachedFile
from nbrucio.core.files import FileEntry
from nbrucio.errors import NbrucioError
from nbrucio.store.errors import FORBIDDEN, store_error, unreadable
from nbrucio.store.fs import REAL, FileSystem, write_whole
from nbrucio.store.layout import Place, StoreLayout
from nbrucio.store.locks import Lock, try_lock
from nbrucio.store.notices import Notices
from nbrucio.store.objects import Examined, Objects
from nbrucio.store.present import PresentKeys
from nbrucio.store.record import Stored, Usage
from nbrucio.store.remembered import Remembered
from nbrucio.store.views import find_view, make_view, remove_view

if TYPE_CHECKING:
    from nbrucio.store.session import Session

_CACHEDIR_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n# The store of nbrucio: files that can be downloaded again.\n"
)


def _never() -> None:
    """Default ``before_block``: never stop."""


class Store:
    """One store. Methods are safe across threads and processes.

    Args:
        root: its folder; nothing is created there until something is written.
        fs: performs every file-system call.
        locks: whether processes that want the same file wait for each other. This only saves bandwidth.
        state: the user's state folder, used when the store cannot be written; None remembers for this run only.
        notify: called once with each convenience that the file system refuses, as a sentence.
        below: the roots of shared stores below this one: their files are used, and nothing there is written or removed.
        believed: whether the records in this store count; otherwise each file is read once.
    """

    def __init__(
        self,
        root: Path,
        *,
        fs: FileSystem = REAL,
        locks: bool = True,
        state: Path | None = None,
        notify: Callable[[str], object] | None = None,
        below: Sequence[Path] = (),
        believed: bool = True,
    ) -> None:
        self.root = root
        self._fs = fs
        self._layout = StoreLayout(str(root.absolute()))
        self._locks = locks
        self._notices = Notices(notify)
        self._remembered = Remembered(state, self._layout.root)
        self._objects = Objects(fs, self._layout, self._remembered, believed=believed)
        self._below = tuple(_shared(place, state) for place in below)

    def find(self, instance: str, entry: FileEntry) -> Stored | None:
        """Return the object for ``entry`` if it is unchanged since it was verified and matches the catalogue; else
        None.

        Reads the record and stats the file: no lock, no network, no read of the object. Never raises.
        """
        found = self._objects.find(self._layout.place(instance, entry.did), entry)
        former = self._former(instance, entry) if found is None else None
        if former is not None:
            found = self._objects.find(former[1], entry)
        for store in self._below if found is None else ():
            found = found or store.find(instance, entry)
        return found

    def is_candidate(self, instance: str, entry: FileEntry) -> bool:
        """Whether reading a file here may show that it is ``entry`` although `find` returned None.

        True in a restored or copied store, or after a file was touched or changed. Never raises.
        """
        place = self._layout.place(instance, entry.did)
        if self._objects.is_candidate(place, entry):
            return True
        former = self._former(instance, entry)
        if former is not None and not self._exists(place.path) and self._objects.is_candidate(former[1], entry):
            return True
        return any(store.is_candidate(instance, entry) for store in self._below)

    def present(self) -> PresentKeys:
        """Return which files may be in this store and the ones below, as it is from now on; for looking for many."""
        return PresentKeys([(store._fs, store._layout) for store in (self, *self._below)])  # noqa: SLF001 stores too

    def examine(self, instance: str, entry: FileEntry, *, before_block: Callable[[], None] = _never) -> Examined:
        """Read every byte of the file that is here for ``entry``.

        A correct file gets a record, or its sums are remembered when the store cannot be written. A wrong file is
        removed. ``before_block`` is called before each read; its exceptions stop the read.

        Raises:
            NbrucioError: the file cannot be read.
        """
        try:
            return self._examine(instance, entry, before_block)
        except OSError as error:
            raise unreadable(error, str(self.where(instance, entry.did)), str(entry.did)) from error

    def verify(self, instance: str, entry: FileEntry, *, before_block: Callable[[], None] = _never) -> Stored | None:
        """Return the object that `examine` finds correct; None otherwise, or when it cannot be read, so that a sync
        replaces it.
        """
        try:
            return self._examine(instance, entry, before_block).stored
        except OSError:
            return None

    def remember(self) -> None:
        """Save the sums read from a store that cannot be written, in the user's state folder."""
        self._remembered.save()
        for store in self._below:
            store.remember()

    def remove(self, instance: str, did: Did) -> int:
        """Remove the object for ``did``; return the number of bytes freed, 0 when there was none.

        Raises:
            NbrucioError: the object exists but cannot be removed.
        """
        place = self._layout.place(instance, did)
        try:
            return self._objects.remove(place)
        except OSError as error:
            raise self.error(error, did) from error

    def view(self, instance: str, did: Did, files: Sequence[tuple[Did, str]]) -> Path | None:
        """Return the folder with one link for each of ``files`` (DID and path); a refresh is atomic.

        Link names are the files' names where these are safe and distinct; others get a digest. None when the view is
        outdated and cannot be written: the files themselves are usable all the same.

        Raises:
            NbrucioError: the view cannot be written.
        """
        try:
            self._prepare()
            return make_view(self._fs, self._layout, instance, did, files)
        except OSError as error:
            if error.errno in FORBIDDEN:
                return None
            raise self.error(error, did) from error

    def remove_view(self, instance: str, did: Did) -> None:
        """Remove the folder that `view` made for ``did``, whose links no longer lead to files. Never raises."""
        with suppress(OSError):
            remove_view(self._fs, self._layout, instance, did)

    def where(self, instance: str, did: Did) -> Path | None:
        """Return the path of the file ``did``, or of the last `view` of the dataset ``did``; None without either.

        Nothing is verified, and files of the dataset may be missing.

        Raises:
            NbrucioError: the folder cannot be read.
        """
        former = self._layout.former(instance, did)
        for place in (self._layout.place(instance, did), *([former[1]] if former else [])):
            if self._exists(place.path):
                return Path(place.path)
        try:
            view = find_view(self._fs, self._layout, instance, did)
        except OSError as error:
            raise self.error(error, did) from error
        below = (store.where(instance, did) for store in self._below if view is None)
        return view or next((found for found in below if found is not None), None)

    def free_bytes(self) -> int | None:
        """Return the bytes that this user can still write at the store's file system; None when it does not say.

        The store need not exist yet. Never raises.
        """
        for folder in (self._layout.root, *map(str, Path(self._layout.root).parents)):
            try:
                found = self._fs.statvfs(folder)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                return None
            return found.f_bavail * found.f_frsize if found.f_blocks else None  # some FUSE file systems
        return None

    def usage(self) -> Usage:
        """Count the verified files and their bytes. Files that vanish meanwhile are not counted."""
        sizes = [file.size_bytes for file in self.files()]
        return Usage(len(sizes), sum(sizes))

    def files(self) -> Iterator[CachedFile]:
        """Yield the files under final names. Files that vanish meanwhile are omitted."""
        for key, path in self._paths():
            try:
                found = self._fs.lstat(path)
            except OSError:
                continue
            yield CachedFile(key, found.st_size, found.st_ctime)

    def discard(self, key: str) -> int:
        """Remove the file with this key (see `nbrucio.store.names.object_key`), unless it is being written; return the
        number of bytes freed.

        Raises:
            NbrucioError: the file exists but cannot be removed.
        """
        folder = self._layout.folder_of(key)
        names = self._list(folder)
        if not names:
            return 0
        place = self._layout.place_of(key, names[0])
        lock = try_lock(self._fs, place, self._notices) if self._locks else Lock(self._fs, None)
        if lock is None:
            return 0
        try:
            return self._objects.remove(place)
        except OSError as error:
            raise self.error(error) from error
        finally:
            lock.release()

    # For transfers.

    def session(self) -> Session:
        """Begin a run that writes files; creates the store's folders.

        Raises:
            NbrucioError: the store cannot be written.
        """
        try:
            self._prepare()
            self._require_one_disk()
        except OSError as error:
            raise self.error(error) from error
        from nbrucio.store.session import Session  # readers do not pay for this import

        return Session(self._fs, self._layout, self._notices)

    def lock(self, instance: str, did: Did) -> Lock | None:
        """Lock one file and return its lock; None when another writer holds it.

        Where locks do not work or are off, every writer gets one: two writers may then download the same file.
        """
        if not self._locks:
            return Lock(self._fs, None)
        return try_lock(self._fs, self._layout.place(instance, did), self._notices)

    def error(self, error: OSError, did: Did | None = None) -> NbrucioError:
        """Return the nbrucio error for a failed file-system call below this store."""
        return store_error(error, self._layout.root, str(did) if did is not None else None)

    def has_object(self, instance: str, did: Did) -> bool:
        """Whether a file exists under the final name of ``did`` or its former name, verified or not."""
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

    def _require_one_disk(self) -> None:
        """Fail before the first download if no partial file can be renamed to its final name."""
        # A path that ends with a dot leads through a link.
        disks = {self._fs.lstat(f"{folder}/.").st_dev for folder in (self._layout.objects, self._layout.partial)}
        if len(disks) > 1:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    def _former(self, instance: str, entry: FileEntry) -> tuple[str, Place] | None:
        """Return `StoreLayout.former` if the entry has a checksum to identify the file with."""
        return None if entry.checksum is None else self._layout.former(instance, entry.did)

    def _examine(self, instance: str, entry: FileEntry, before_block: Callable[[], None]) -> Examined:
        place = self._layout.place(instance, entry.did)
        former = None if self._exists(place.path) else self._former(instance, entry)
        name, place = former or (instance, place)
        found = self._objects.examine(place, name, entry, before_block, shared=former is not None)
        for store in self._below if found.stored is None else ():
            if store.is_candidate(instance, entry):
                stored = store.verify(instance, entry, before_block=before_block)
                if stored is not None:
                    return Examined(stored)
        return found

    def _exists(self, path: str) -> bool:
        return self._size(path, absent=-1) >= 0

    def _size(self, path: str, absent: int = 0) -> int:
        try:
            return self._fs.lstat(path).st_size
        except OSError:
            return absent

    def _paths(self) -> Iterator[tuple[str, str]]:
        """Yield key and path of whatever lies under a final name."""
        for shelf in self._list(self._layout.objects):
            for key in self._list(f"{self._layout.objects}/{shelf}"):
                if not key.endswith(".json"):
                    folder = f"{self._layout.objects}/{shelf}/{key}"
                    yield from ((key, f"{folder}/{name}") for name in self._list(folder))

    def _list(self, folder: str) -> list[str]:
        try:
            return self._fs.listdir(folder)
        except OSError:
            return []


def _shared(root: Path, state: Path | None) -> Store:
    from nbrucio.store.shared import ReadOnlyFileSystem, is_trusted  # few users have one

    return Store(root, fs=ReadOnlyFileSystem(), locks=False, state=state, believed=is_trusted(root))
