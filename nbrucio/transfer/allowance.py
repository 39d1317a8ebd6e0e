"""Limits on what one run may download, enforced while bytes arrive, because Rucio does not know every file's size."""

from __future__ import annotations

import threading
from collections.abc import Callable

from nbrucio.core import plan_errors
from nbrucio.core.download_limit import OWN_LIMIT, LimitOrigin
from nbrucio.core.files import FileEntry

#: Bytes after which free space is measured again: other programs write to the same disk.
_MEASURE_BYTES = 64_000_000


class Allowance:
    """The download limit and the free space that the files of one run share. Thread-safe.

    A file of known size reserves all of it, since nothing beyond that size is ever written. Files of unknown size use
    the rest as bytes arrive. Bytes that a retry discards count, because they were downloaded.

    Args:
        max_download_bytes: download limit of this run; None for no limit.
        keep_free_bytes: bytes that must stay free at the store.
        free_bytes: returns the bytes free at the store now; None when its file system does not say.
        origin: the origin of the download limit, for errors.
    """

    def __init__(
        self,
        max_download_bytes: int | None,
        keep_free_bytes: int,
        free_bytes: Callable[[], int | None],
        origin: LimitOrigin = OWN_LIMIT,
    ) -> None:
        self._origin = origin
        self._max_download_bytes = max_download_bytes
        self._left_bytes = max_download_bytes
        self._keep_free_bytes = keep_free_bytes
        self._free_bytes = free_bytes
        self._measured_bytes = 0
        self._guard = threading.Lock()

    def reserve(self, entry: FileEntry) -> None:
        """Reserve the size of ``entry``, if it is known.

        Raises:
            OverBudget: files of unknown size have used up the download limit.
        """
        self._spend(entry, entry.size_bytes or 0)

    def take(self, entry: FileEntry, size_bytes: int) -> None:
        """Allow ``size_bytes`` more of ``entry`` to be written.

        Raises:
            OverBudget: the download limit is reached.
            NoSpace: fewer than ``keep_free_bytes`` would stay free.
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
                    self._left_bytes = 0  # these bytes were downloaded, although they are discarded
                raise plan_errors.limit_reached(entry, self._max_download_bytes or 0, self._origin)
            self._left_bytes -= size_bytes

    def _fit(self, entry: FileEntry, size_bytes: int) -> None:
        with self._guard:
            if size_bytes > self._measured_bytes:
                free, ahead = self._free_bytes(), max(_MEASURE_BYTES, size_bytes)
                self._measured_bytes = ahead if free is None else min(free - self._keep_free_bytes, ahead)
                if size_bytes > self._measured_bytes:
                    raise plan_errors.disk_full(entry, self._keep_free_bytes)
            self._measured_bytes -= size_bytes
