"""What the last status at a notebook's data saw, and whether that still holds.

A look at 100,000 files takes seconds. It leaves its totals in ``<store>/seen/<SHA-256 of the notebook's real path>``,
and the next look takes them over as long as nothing has changed by which they could be others:

- what was asked: the declaration, the variant, the configuration (``question``);
- the files on which the answer rests, as size, modification time and inode (``witnesses``);
- the folders ``objects/ab`` of the store: every object that is committed or removed, and every folder of one that
  somebody deletes, changes the modification time of one of them;
- the objects themselves. A file that is deleted within its folder changes nothing above, so each is looked at, or,
  above `CHECKED_OBJECTS` files and unless the caller wants all of them, a run of so many from a place taken at random.

The file is one line of JSON, then one line for each object: size, modification time, inode, and path below
``objects``. What is damaged or cannot be read counts as never seen.
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
from nbrucio.disk.read import open_regular, parse_json

FORMAT = 2
#: So many objects are looked at where not all must be: 3 to 10 µs each.
CHECKED_OBJECTS = 1_024
#: About a million objects.
_MAX_BYTES = 1 << 28
#: About the length of a line, of which two thirds are the object's digest.
_LINE_BYTES = 120
#: Two changes within one tick of a file system's clock leave the same time (Linux: at most 10 ms), so what changed
#: less than this ago may change again unseen. File systems that count whole seconds need 2 s.
_TICK_NS = 20_000_000
_SECONDS_TICK_NS = 2_000_000_000
#: By how much a rest is longer than it seems to have to be: the file system's clock is that of its last tick.
_MARGIN_NS = 10_000_000

#: Size in bytes, modification time in ns, inode; None of what is not there.
Stat = tuple[int, int, int]


class CacheEntry(NamedTuple):
    """One look at a notebook's data.

    Attributes:
        question: what was asked, as a digest.
        rows: what each requirement came to, in the order of the declaration.
        witnesses: the files besides objects on which the answer rests.
        manifest: where kernels were told of it; None when no sync did.
    """

    question: str
    rows: tuple[RequirementTotals, ...]
    witnesses: Mapping[str, Stat | None]
    manifest: str | None = None


class StoreSnapshot(NamedTuple):
    """The store when a look began.

    Attributes:
        began_ns: by the file system's own clock; that of a network server may be another than this machine's.
        newest_ns: when a shelf last changed.
        shelves: a digest of all of them.
    """

    began_ns: int
    newest_ns: int
    shelves: str

    def rested(self) -> bool:
        """Whether the store had rested for so long that any change since the begin shows."""
        return self.rest_ns() < 0

    def rest_ns(self) -> int:
        """For how long it would have to go on resting; negative when it has rested."""
        tick_ns = _TICK_NS if self.newest_ns % 1_000_000_000 else _SECONDS_TICK_NS
        return self.newest_ns - (self.began_ns - tick_ns)


class StatusCache:
    """The memory under one store's root."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "seen"
        self._objects = f"{root}/objects"

    def find(self, notebook: Path, question: str, *, every: bool = False) -> CacheEntry | None:
        """What was seen of the notebook when it was asked the same; None when it may be otherwise by now.

        Args:
            every: look at each object, however many there are.
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
        """Begin a look; None where nothing can be kept.

        Args:
            after_commit: this process committed objects just now, which are worth a rest of a few ms.
        """
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)  # and no store where there is none
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

    def keep(self, notebook: Path, snapshot: StoreSnapshot, entry: CacheEntry, objects: Iterable[str]) -> None:
        """Keep what was seen in place of what was before, unless the store changed during the look.

        Args:
            objects: lines by `object_line`, one for each object that is part of the answer.
        """
        lines = sorted(objects, key=_path_of)
        head = {"format": FORMAT, "notebook": os.path.realpath(notebook), "shelves": snapshot.shelves}
        head |= {"objects": len(lines), **entry._asdict()}
        try:
            if snapshot.rested() and _shelves(self._objects)[0] == snapshot.shelves:
                write_pieces(self._path(notebook), (line.encode() for line in chain((json.dumps(head) + "\n",), lines)))
        except OSError:
            pass  # the next look takes longer, which stops nothing

    def kept(self) -> Iterator[tuple[Path, str]]:
        """Each file of this memory, with the real path of the notebook that it is of."""
        for path in _files(self._folder):
            try:
                with open_regular(path, _MAX_BYTES, follow=False) as file:
                    notebook = parse_json(file.readline())["notebook"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if isinstance(notebook, str):
                yield path, notebook

    def object_line(self, path: str, stat: Stat) -> str:
        """How the object at ``path``, which had ``stat`` when it was verified, is written down."""
        return f"{stat[0]}\t{stat[1]}\t{stat[2]}\t{path[len(self._objects) + 1 :]}\n"

    def _path(self, notebook: Path) -> Path:
        return self._folder / hashlib.sha256(os.fsencode(os.path.realpath(notebook))).hexdigest()


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def stat_of(path: str) -> Stat | None:
    """Size, modification time and inode of what is at ``path``, a link itself; None when nothing is."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _clock_ns(folder: Path) -> int:
    """The time that the file system gives to a change now."""
    scratch = folder / f"{os.getpid()}.{os.urandom(8).hex()}.tmp"
    with scratch.open("xb") as file:
        scratch.unlink()
        return os.fstat(file.fileno()).st_mtime_ns


def _shelves(objects: str) -> tuple[str, int]:
    """A digest of the shelves' names, inodes and times, and the newest of these times; of no folder ``("", 0)``."""
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
    """By this the lines are sorted, so that neighbours in a run are no neighbours in the dataset."""
    return line[line.rindex("\t") :]


def _some_lines(file: BinaryIO) -> list[bytes]:
    """Whole lines from a place taken at random to the end of a run of about `CHECKED_OBJECTS`."""
    begin, end = file.tell(), os.fstat(file.fileno()).st_size
    span = max(end - _LINE_BYTES * CHECKED_OBJECTS - begin, 1)
    file.seek(begin + int.from_bytes(os.urandom(8), "little") % span)
    file.readline()
    return file.read(_LINE_BYTES * CHECKED_OBJECTS).splitlines(keepends=True)[:-1]


def _all_there(objects: str, lines: Iterable[bytes]) -> bool:
    """Whether every object is as it was when it was verified."""
    folder = os.fsencode(objects) + b"/"
    lstat = os.lstat
    for line in lines:
        stat, _, path = line.rstrip(b"\n").rpartition(b"\t")
        found = lstat(folder + path)  # of what is gone an OSError
        if stat != b"%d\t%d\t%d" % (found.st_size, found.st_mtime_ns, found.st_ino):
            return False
    return True
