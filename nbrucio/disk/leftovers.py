"""Temporary files and folders of killed processes: recognised by name, removed by the next writer in their folder."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from nbrucio.disk.process import is_dead, this_process

#: In names: the process that wrote the file, see `nbrucio.disk.process`.
_WRITER = r"(?P<place>[0-9a-f]{16})\.(?P<pid>\d+)\.(?P<start>\d+)"
_TEMPORARY = re.compile(rf"\.nbrucio-(?:{_WRITER}\.\d+|[^.]+)\.tmp\Z")
#: Seconds. No write takes this long, so an older file of another machine is a leftover.
ABANDONED_S = 24 * 3600
_turns = count()
_swept: dict[Path, float] = {}
_PERIOD_S = 3600


def temporary_name() -> str:
    """Return a file name that no other writer uses."""
    return f".nbrucio-{_this_writer()}.{next(_turns)}.tmp"


def _this_writer() -> str:
    return ".".join(map(str, this_process()))


@contextmanager
def private_folder(parent: Path, kind: str) -> Iterator[Path]:
    """Create a folder of mode 0700 in ``parent``, and remove it after the block.

    Folders of the same ``kind`` that ended processes left are removed first.

    Raises:
        OSError: the folder cannot be created.
    """
    import shutil  # these take 10 ms, and only uploads need them
    from tempfile import TemporaryDirectory

    name = re.compile(rf"{kind}-(?:{_WRITER}-)?[^.]+\Z")
    for entry in _left(parent, name):
        shutil.rmtree(entry.path, ignore_errors=True)
    prefix = f"{kind}-{_this_writer()}-"
    with TemporaryDirectory(dir=parent, prefix=prefix, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o700)  # whatever the umask
        yield Path(folder)


def sweep(folder: Path) -> None:
    """Remove temporary files of ended processes from ``folder``, at most once an hour. Never raises."""
    now = time.monotonic()
    if now - _swept.get(folder, -_PERIOD_S) < _PERIOD_S:
        return
    _swept[folder] = now
    for entry in _left(folder, _TEMPORARY):
        with suppress(OSError):
            Path(entry.path).unlink()


def _left(folder: Path, name: re.Pattern[str]) -> list[os.DirEntry[str]]:
    """Return the entries of ``folder`` with such a ``name`` that an ended process left."""
    try:
        with os.scandir(folder) as entries:
            matches = [(name.match(entry.name), entry) for entry in entries]
    except OSError:
        return []
    return [entry for match, entry in matches if match is not None and _is_left(match, entry)]


def _is_left(match: re.Match[str], entry: os.DirEntry[str]) -> bool:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    if match["pid"] and is_dead(match["place"], int(match["pid"]), int(match["start"])):
        return True
    return time.time() - found.st_mtime > ABANDONED_S
