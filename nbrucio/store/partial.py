"""Partial files: private to one writer, summed as they are written, adopted when their writer died."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

from nbrucio.store.checksums import RunningSums, Sums, sum_file
from nbrucio.store.fs import FileSystem, clear_folder
from nbrucio.store.owner import parse_partial_name, this_writer

#: Seconds after which files from another host or boot, and broken writes, are removed. A living writer changes its file
#: every few minutes, because a stalled transfer is cancelled.
ABANDONED_S = 3 * 24 * 3600


class Partial:
    """One private file. Used by one thread at a time; closed between attempts to save descriptors."""

    def __init__(self, fs: FileSystem, path: str, *, want_md5: bool, on_release: Callable[[], None]) -> None:
        self.path = path
        self.fd: int | None = None
        self._fs = fs
        self._want_md5 = want_md5
        self._on_release = on_release
        self._sums = RunningSums(want_md5=want_md5)

    @property
    def size_bytes(self) -> int:
        """Bytes written and summed so far."""
        return self._sums.size_bytes

    def open(self) -> None:
        """Open the file to append to the bytes it has."""
        if self.fd is None:
            # Appended bytes leave no hole after another program has shortened the file: its size shows that at the end.
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
            self.fd = self._fs.open(self.path, flags)
            if self.size_bytes:
                self._fs.seek(self.fd, self.size_bytes)

    def load(self, before_block: Callable[[], None]) -> None:
        """Open an adopted file and sum its bytes."""
        self.open()
        if not stat.S_ISREG(self._fs.fstat(self._opened).st_mode):  # reading a pipe would block
            self.close()
            self._fs.unlink(self.path)
            self.open()
        self._sums = sum_file(self._fs, self._opened, want_md5=self._want_md5, before_block=before_block)

    def clone(self, source_fd: int, before_block: Callable[[], None]) -> bool:
        """Share the blocks of ``source_fd`` instead of a copy, and sum them; False when the file system cannot."""
        try:
            self._fs.clone(self._opened, source_fd)
        except OSError:
            return False
        self._sums = sum_file(self._fs, self._opened, want_md5=self._want_md5, before_block=before_block)
        return True

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append ``chunk`` and add it to the sums."""
        self._fs.write(self._opened, chunk)
        self._sums.update(chunk)

    def restart(self) -> None:
        """Drop all bytes written so far."""
        self._fs.truncate(self._opened, 0)
        self._fs.seek(self._opened, 0)
        self._sums = RunningSums(want_md5=self._want_md5)

    def sums(self) -> Sums:
        """Return the sums of all bytes written so far."""
        return self._sums.result()

    def close(self) -> None:
        """Close the descriptor; the bytes stay."""
        if self.fd is not None:
            fd, self.fd = self.fd, None
            self._fs.close(fd)

    def keep(self) -> None:
        """Close the file and leave it for a later run to resume. Never raises."""
        with suppress(OSError):
            self.close()
        self.release()

    def discard(self) -> None:
        """Remove the file if it still exists. Never raises: leftovers are removed later."""
        with suppress(OSError):
            self.close()
        with suppress(OSError):
            self._fs.unlink(self.path)
        self.release()

    def release(self) -> None:
        """End this thread's use of the file."""
        self._on_release()

    @property
    def _opened(self) -> int:
        if self.fd is None:
            raise ValueError("the partial file is closed")
        return self.fd


def _remove(fs: FileSystem, path: str) -> None:
    try:
        fs.unlink(path)
    except IsADirectoryError:
        clear_folder(fs, path)


class Partials:
    """The folder of partial files, as used by one run."""

    #: Partial files that a thread of this process uses now, in any store; they are not orphans.
    _held: set[str] = set()  # noqa: RUF012 one set for the process on purpose
    _guard = threading.Lock()

    def __init__(self, fs: FileSystem, folder: str) -> None:
        self._fs = fs
        self._folder = folder
        self._writer = this_writer()
        self._orphans: dict[str, list[str]] | None = None

    def take(self, key: str, *, want_md5: bool, resume: bool, before_block: Callable[[], None]) -> Partial:
        """Return an open partial for the object ``key``: an adopted orphan with its bytes summed, else an empty one."""
        path = f"{self._folder}/{self._writer.partial_name(key)}"
        with self._guard:
            self._held.add(path)
        partial = Partial(self._fs, path, want_md5=want_md5, on_release=lambda: self._held.discard(path))
        try:
            if self._adopt(key, path, resume=resume):
                partial.load(before_block)
            else:
                partial.open()
        except BaseException:
            partial.keep()
            raise
        return partial

    def _adopt(self, key: str, path: str, *, resume: bool) -> bool:
        adopted = False
        for orphan in self._orphans_of(key):
            # Only one process can rename it; the others find it missing.
            with suppress(FileNotFoundError):
                if resume and not adopted:
                    self._fs.rename(orphan, path)
                    adopted = True
                else:
                    self._fs.unlink(orphan)
        return adopted

    def _orphans_of(self, key: str) -> list[str]:
        """Return paths of dead writers' partial files for ``key``, largest first; each path is returned once."""
        with self._guard:
            if self._orphans is None:
                self._orphans = self._scan()
            found = self._orphans.pop(key, [])
            if not found:
                return found
            found = [path for path in found if path not in self._held]
        return sorted(found, key=self._size, reverse=True)

    def _scan(self) -> dict[str, list[str]]:
        orphans: dict[str, list[str]] = defaultdict(list)
        dead = {self._writer: True}  # our own unused ones are from an earlier run in this process
        for name in self._fs.listdir(self._folder):
            path = f"{self._folder}/{name}"
            parsed = parse_partial_name(name)
            if parsed is not None and dead.setdefault(parsed[1], parsed[1].is_dead()):
                if path not in self._held:
                    orphans[parsed[0]].append(path)
            else:
                self._sweep(path)
        return orphans

    def _sweep(self, path: str) -> None:
        with suppress(OSError):
            if time.time() - self._fs.lstat(path).st_mtime > ABANDONED_S:
                _remove(self._fs, path)

    def _size(self, path: str) -> int:
        try:
            return self._fs.lstat(path).st_size
        except OSError:
            return -1
