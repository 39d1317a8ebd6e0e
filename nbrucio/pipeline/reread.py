"""Read stored files without a valid record again: those of a restored store, or with a changed time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from nbrucio.core.events import Noticed
from nbrucio.core.files import FileEntry, total_bytes
from nbrucio.core.plan import FileKey
from nbrucio.core.planner import Availability
from nbrucio.core.text import human_bytes, plural
from nbrucio.errors import Interrupted, NbrucioError
from nbrucio.pipeline.context import RunContext

#: Summing leaves the interpreter's lock, and a network file system answers several at once.
_AT_ONCE = 4
#: How often a long read says how far it is, in seconds.
_TELL_S = 10.0


class Reread:
    """The files that one run reads again. Correct files get a record; wrong files are reported.

    Args:
        announce: called before the first file is read, which may take as long as a download.
        cancel: set it to stop within a second.
    """

    def __init__(
        self, run: RunContext, announce: Callable[[Availability], None], cancel: threading.Event | None = None
    ) -> None:
        self._run = run
        self._announce = announce
        self._cancel = cancel
        self._stopping = threading.Event()
        self._told_s = 0.0

    def __call__(self, facts: Availability) -> None:
        """Read the files without a valid record.

        Raises:
            Interrupted: the run was cancelled.
        """
        self._told_s = time.monotonic()
        self._announce(facts)
        files = facts.doubtful
        size = human_bytes(total_bytes(entry.size_bytes for entry in files.values()))
        self._run.reporter.report(Noticed(f"Reading {plural(len(files), 'file')}, {size}, in the store again."))
        self._read_all(files)

    def _read_all(self, files: Mapping[FileKey, FileEntry]) -> None:
        with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1), "nbrucio-read") as pool:
            try:
                for number, _ in enumerate(pool.map(self._read, files.items()), 1):
                    self._tell(number, len(files))
            except KeyboardInterrupt as error:
                raise _interrupted() from error
            finally:
                self._stopping.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def _read(self, one: tuple[FileKey, FileEntry]) -> None:
        (instance, _), entry = one
        self._check()
        try:
            fault = self._run.store.examine(instance, entry, before_block=self._check).problem
        except Interrupted:
            raise
        except NbrucioError as error:
            self._run.reporter.report(Noticed(error.message))
            return
        if fault is not None:
            self._run.reporter.report(Noticed(f"The stored file of {entry.did} is not used: {fault}."))

    def _tell(self, number: int, count: int) -> None:
        if time.monotonic() - self._told_s > _TELL_S:
            self._told_s = time.monotonic()
            self._run.reporter.report(Noticed(f"  {number:,} of {plural(count, 'file')} read again"))

    def _check(self) -> None:
        if self._stopping.is_set() or (self._cancel is not None and self._cancel.is_set()):
            raise _interrupted()


def _interrupted() -> Interrupted:
    return Interrupted("Stopped while stored files were read again.", hint="The next sync reads the rest.")
