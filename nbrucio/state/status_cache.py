"""Totals of the last status of a notebook, and a check that they still hold.

Checking 100,000 files takes seconds. A status therefore saves its totals in ``<store>/seen/<SHA-256 of the notebook's
real path>``. The next status uses them while nothing changed that could alter the answer:

- ``question``: the digest of the declaration, the variant and the configuration;
- ``witnesses``: size, modification time and inode of every other file that the answer depends on;
- the folders ``objects/ab`` of the store ("shelves"): committing or removing an object, or deleting its folder, changes
  the modification time of one of them;
- the objects themselves, since deleting a file inside its folder changes none of the above. Every object is checked,
  or, above `CHECKED_OBJECTS` objects, a random run of that many unless the caller asks for all.

The file is one line of JSON, then one line per object: size, modification time, inode, path below ``objects``. A
damaged or unreadable file counts as no entry.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from nbrucio.core.totals import RequirementTotals
from nbrucio.disk.atomic import write_pieces
from nbrucio.disk.read import open_regular, parse_json, stamp_of
from nbrucio.state.notebook_key import notebook_key

FORMAT = 2
#: Number of objects to check when not all must be checked. One check takes 3 to 10 µs.
CHECKED_OBJECTS = 1_024
#: About a million objects.
_MAX_BYTES = 1 << 28
#: Typical length of a line; two thirds of it are the object's digest.
_LINE_BYTES = 120
#: Two changes within one tick of a file system's clock get the same time (Linux: at most 10 ms), so a second change
#: within this time goes unnoticed. File systems that count whole seconds need 2 s.
_TICK_NS = 20_000_000
_SECONDS_TICK_NS = 2_000_000_000
#: Extra waiting time: the file system's clock shows the time of its last tick.
_MARGIN_NS = 10_000_000

#: Size in bytes, modification time in ns, inode.
Stat = tuple[int, int, int]


class CacheEntry(NamedTuple):
    """The saved status of one notebook.

    Attributes:
        question: digest of the declaration, variant and configuration.
        rows: totals of each requirement, in the order of the declaration.
        witnesses: state of the files other than objects that the answer depends on; None for a missing file.
        manifest: path of the manifest that a sync published; None when there is none.
    """

    question: str
    rows: tuple[RequirementTotals, ...]
    witnesses: Mapping[str, Stat | None]
    manifest: str | None = None


class StoreSnapshot(NamedTuple):
    """The state of the store's folders when a status began.

    Attributes:
        began_ns: begin in ns since the epoch, by the file system's clock, which may differ from this machine's.
        newest_ns: latest modification time of a shelf, in ns since the epoch.
        shelves: digest of the names, inodes and times of all shelves.
    """

    began_ns: int
    newest_ns: int
    shelves: str

    def rested(self) -> bool:
        """Whether every change after ``began_ns`` gets a later time than ``newest_ns``."""
        return self.rest_ns() < 0

    def rest_ns(self) -> int:
        """Return the ns that must still pass without a change for `rested`; negative when it holds."""
        tick_ns = _TICK_NS if self.newest_ns % 1_000_000_000 else _SECONDS_TICK_NS
        return self.newest_ns - (self.began_ns - tick_ns)


class StatusCache:
    """The status cache of the store at ``root``."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "seen"
        self._objects = f"{root}/objects"

    def find(self, notebook: Path, question: str, *, every: bool = False) -> CacheEntry | None:
        """Return the entry for this notebook and question; None when there is none or it may be outdated. Never raises.

        Args:
            every: check every object, however many there are.
        """
        try:
            with open_regular(self._path(notebook), _MAX_BYTES, follow=False) as file:
                head = parse_json(file.readline())
                if head["format"] != FORMAT or head["question"] != question:
                    return None
                entry = CacheEntry(
                    question,
                    tuple(RequirementTotals(*row) for row in head["rows"]),
                    _stats(head["witnesses"]),
                    head["manifest"],
                )
                if any(stat_of(path) != stat for path, stat in entry.witnesses.items()):
                    return None
                if _shelves(self._objects)[0] != head["shelves"]:
                    return None
                lines = file.readlines() if every or head["objects"] <= CHECKED_OBJECTS else _some_lines(file)
                return entry if _all_there(self._objects, lines) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def snapshot(self, *, after_commit: bool = False) -> StoreSnapshot | None:
        """Record the state of the store at the begin of a status; None when nothing can be saved.

        Args:
            after_commit: this process just committed objects. Wait a few ms so that the result can be saved.
        """
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)  # never create the store itself
            snapshot = self._snapshot()
            if after_commit and 0 <= (rest_ns := snapshot.rest_ns()) < 2 * _TICK_NS:
                time.sleep((rest_ns + _MARGIN_NS) / 1e9)
                snapshot = self._snapshot()
        except OSError:
            return None
        return snapshot

    def _snapshot(self) -> StoreSnapshot:
        began_ns = _clock_ns(self._folder)
        shelves, newest_ns = _shelves(self._objects)
        return StoreSnapshot(began_ns, newest_ns, shelves)

    def save(self, notebook: Path, snapshot: StoreSnapshot, entry: CacheEntry, objects: Iterable[str]) -> None:
        """Replace the entry of this notebook, unless the store changed since ``snapshot``. Never raises.

        Args:
            objects: one `object_line` for each object that is part of the answer.
        """
        lines = sorted(objects, key=_path_of)
        head = {"format": FORMAT, "notebook": os.path.realpath(notebook), "shelves": snapshot.shelves}
        head |= {"objects": len(lines), **entry._asdict()}
        try:
            if snapshot.rested() and _shelves(self._objects)[0] == snapshot.shelves:
                write_pieces(self._path(notebook), (line.encode() for line in chain((json.dumps(head) + "\n",), lines)))
        except OSError:
            pass  # without an entry the next status only takes longer

    def entries(self) -> Iterator[tuple[Path, str]]:
        """Yield each file of this cache with the real path of its notebook."""
        for path in _files(self._folder):
            try:
                with open_regular(path, _MAX_BYTES, follow=False) as file:
                    notebook = parse_json(file.readline())["notebook"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if isinstance(notebook, str):
                yield path, notebook

    def object_line(self, path: str, stat: Stat) -> str:
        """Return the line for the object at ``path`` that had ``stat`` when it was verified."""
        return f"{stat[0]}\t{stat[1]}\t{stat[2]}\t{path[len(self._objects) + 1 :]}\n"

    def _path(self, notebook: Path) -> Path:
        return self._folder / notebook_key(notebook)


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def stat_of(path: str) -> Stat | None:
    """Return size, modification time and inode of ``path`` without following links; None when it is missing."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return stamp_of(found)


def _clock_ns(folder: Path) -> int:
    """Return the current time in ns by the file system's clock."""
    scratch = folder / f"{os.getpid()}.{os.urandom(8).hex()}.tmp"
    with scratch.open("xb") as file:
        scratch.unlink()
        return os.fstat(file.fileno()).st_mtime_ns


def _shelves(objects: str) -> tuple[str, int]:
    """Return a digest of the shelves' names, inodes and times, and the newest time; ``("", 0)`` without the folder."""
    try:
        with os.scandir(objects) as entries:
            found = sorted((entry.name, stat_of(entry.path)) for entry in entries)
    except FileNotFoundError:
        return "", 0
    newest = max((stat[1] for _, stat in found if stat), default=0)
    return hashlib.sha256(repr((stat_of(objects), found)).encode()).hexdigest(), newest


def _stats(raw: Mapping[str, object]) -> dict[str, Stat | None]:
    return {path: _stat(value) for path, value in raw.items()}


def _stat(value: object) -> Stat | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 3:
        raise TypeError(value)
    return value[0], value[1], value[2]


def _path_of(line: str) -> str:
    """Sort key of a line. Paths begin with a digest, so a run of lines is a random sample of a dataset."""
    return line[line.rindex("\t") :]


def _some_lines(file: BinaryIO) -> list[bytes]:
    """Return about `CHECKED_OBJECTS` whole lines that begin at a random position."""
    begin, end = file.tell(), os.fstat(file.fileno()).st_size
    span = max(end - _LINE_BYTES * CHECKED_OBJECTS - begin, 1)
    file.seek(begin + int.from_bytes(os.urandom(8), "little") % span)
    file.readline()
    return file.read(_LINE_BYTES * CHECKED_OBJECTS).splitlines(keepends=True)[:-1]


def _all_there(objects: str, lines: Iterable[bytes]) -> bool:
    """Whether every object still has the state in which it was verified.

    Raises:
        OSError: an object is missing.
    """
    folder = os.fsencode(objects) + b"/"
    lstat = os.lstat
    for line in lines:
        stat, _, path = line.rstrip(b"\n").rpartition(b"\t")
        found = lstat(folder + path)
        if stat != b"%d\t%d\t%d" % (found.st_size, found.st_mtime_ns, found.st_ino):
            return False
    return True
