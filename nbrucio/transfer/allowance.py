"""What one run may still download, kept while bytes arrive: a plan knows only the sizes that Rucio knows."""

from __future__ import annotations

import threading
from collections.abc import Callable

from nbrucio.core.files import FileEntry
from nbrucio.core.text import human_bytes
from nbrucio.errors import NoSpace, OverBudget

#: Free space is measured anew after so many bytes: other programs write to the same disk.
_MEASURE_BYTES = 64_000_000


class Allowance:
    """The room that the files of one run share. Thread-safe.

    A file of known size reserves it as a whole, since nothing beyond that size is ever written. What is left is for
    files of unknown size, byte by byte; bytes that a retry throws away were downloaded all the same.

    Args:
        max_download_bytes: at most so much in this run; None for no limit.
        keep_free_bytes: what must stay free at the store.
        free_bytes: measures what is free there.
    """

    def __init__(self, max_download_bytes: int | None, keep_free_bytes: int, free_bytes: Callable[[], int]) -> None:
        self._max_download_bytes = max_download_bytes
        self._left_bytes = max_download_bytes
        self._keep_free_bytes = keep_free_bytes
        self._free_bytes = free_bytes
        self._room_bytes = 0
        self._guard = threading.Lock()

    def reserve(self, entry: FileEntry) -> None:
        """Set aside what ``entry`` needs.

        Raises:
            OverBudget: files of unknown size have used that up, or already used up everything.
        """
        self._spend(entry, entry.size_bytes or 0)

    def take(self, entry: FileEntry, size_bytes: int) -> None:
        """Let so many more bytes of ``entry`` be written.

        Raises:
            OverBudget: the download limit is reached.
            NoSpace: too little would stay free.
        """
        if entry.size_bytes is None:
            self._spend(entry, size_bytes)
        if self._keep_free_bytes:
            self._fit(entry, size_bytes)

    def _spend(self, entry: FileEntry, size_bytes: int) -> None:
        if self._left_bytes is None:
            return
        with self._guard:
            if size_bytes > self._left_bytes or (entry.size_bytes is None and not self._left_bytes):
                if entry.size_bytes is None:
                    self._left_bytes = 0  # those bytes came, although they are not kept
                raise _over_budget(entry, self._max_download_bytes or 0)
            self._left_bytes -= size_bytes

    def _fit(self, entry: FileEntry, size_bytes: int) -> None:
        with self._guard:
            if size_bytes > self._room_bytes:
                self._room_bytes = min(self._free_bytes() - self._keep_free_bytes, max(_MEASURE_BYTES, size_bytes))
                if size_bytes > self._room_bytes:
                    raise _no_space(entry, self._keep_free_bytes)
            self._room_bytes -= size_bytes


def _over_budget(entry: FileEntry, allowed_bytes: int) -> OverBudget:
    size = "of unknown size" if entry.size_bytes is None else human_bytes(entry.size_bytes)
    return OverBudget(
        f"{entry.did} ({size}) was not downloaded: this sync has reached the limit of {human_bytes(allowed_bytes)}.",
        subject=str(entry.did),
        hint="Select fewer files, or raise max_download in the configuration's [policy].",
    )


def _no_space(entry: FileEntry, keep_free_bytes: int) -> NoSpace:
    return NoSpace(
        f"The download of {entry.did} was stopped: the disk would have less than {human_bytes(keep_free_bytes)} free.",
        subject=str(entry.did),
        hint="Free some space, or put the store elsewhere with NBRUCIO_STORE.",
    )
