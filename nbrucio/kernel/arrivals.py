"""The files of a requirement in the order of their arrival, while a sync downloads them.

`nbrucio.pipeline.arrivals` writes a line for each file that arrives, which is read here.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from .changed import fault_of
from .errors import DataNotHere
from .files import DataPath
from .manifest import Entry, LoadedManifest, is_file, writer_is_gone
from .refusals import changed_file, not_ready

POLL_S = 0.1
#: Ends the name of the file beside a manifest by which code asks for the files of its handle before all others.
FIRST_SUFFIX = ".first"
#: Read at once; a line has some 500 bytes.
_BLOCK_BYTES = 1 << 20


def arriving(find: Callable[[], tuple[Entry, LoadedManifest, Path]]) -> Iterator[str]:
    """Yield each file once, as soon as it is here; those that are here already in the order of the requirement.

    Args:
        find: returns the present entry of the requirement, its manifest, and the path of that.

    Raises:
        DataNotHere: after all files that are here, when others are missing and no sync downloads them; immediately when
            another request took the place of this one.
    """
    lines = ArrivalLines()
    given: set[str] = set()
    listed: LoadedManifest | None = None
    request: object = None
    fault: DataNotHere | None = None
    has_asked = False
    while True:
        entry, manifest, path = find()
        asked = (entry.did, (entry.answers or {}).get("requirement"))
        if request not in (None, asked):
            words = f"{entry.handle!r} was changed in the notebook while this code read its files. Run it again."
            raise DataNotHere(words, entry.handle)
        request = asked
        # Before its lines are read: an ended process writes no more of them.
        ended = entry.state != "syncing" or writer_is_gone(manifest)
        rows = iter(()) if manifest is listed else iter(entry.files)
        listed = manifest
        for row in chain(rows, lines.new(path, manifest.arrivals, entry.handle)):
            if row["did"] in given:
                continue
            given.add(row["did"])
            changed = fault_of(row, entry)
            if changed is None:
                yield DataPath(row.get("path") or row.get("pfn") or "", entry._replace(files=[row]), 0)
            elif fault is None:
                fault = changed_file(entry, row["path"], changed, manifest.notebook)
        if not ended:
            if not has_asked:
                has_asked = True
                _ask_first(path, entry.handle)
            time.sleep(POLL_S)
            continue
        _check_end(entry, manifest, fault)
        return


def _check_end(entry: Entry, manifest: LoadedManifest, fault: DataNotHere | None) -> None:
    if entry.state != "ready":
        raise not_ready(entry, manifest)
    if fault is not None:
        raise fault


def _ask_first(manifest: Path, handle: str) -> None:
    scratch = manifest.with_name(f".{manifest.stem}.{os.getpid()}.tmp")
    try:
        with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:  # noqa: PTH123
            json.dump({"handles": [handle]}, file)
        scratch.replace(manifest.with_suffix(FIRST_SUFFIX))
    except OSError:
        pass  # its files then come in the order of the sync


class ArrivalLines:
    """The lines of an ``.arrivals`` file; each is read once."""

    def __init__(self) -> None:
        self._of: object = None
        self._read = 0

    def new(self, manifest: Path, run: str | None, handle: str) -> Iterator[dict[str, Any]]:
        """Yield the files of ``handle`` whose lines the ``run`` has appended since the last call."""
        if run is None:
            return
        while lines := self._block(manifest.with_suffix(".arrivals"), run):
            for line in lines:
                row = _row(line, run, handle)
                if row is not None:
                    yield row

    def _block(self, path: Path, run: str) -> list[bytes]:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return []  # the sync has just ended, or could not write it
        try:
            of = (run, os.fstat(descriptor).st_ino)
            if of != self._of:
                self._of, self._read = of, 0
            block = os.pread(descriptor, _BLOCK_BYTES, self._read)
        except OSError:
            return []
        finally:
            os.close(descriptor)
        whole = block[: block.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.splitlines()


def _row(line: bytes, run: str, handle: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
        if value["run"] == run and value["handle"] == handle and is_file(value["file"]):
            return dict(value["file"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass  # cut, because the disk was full
    return None
