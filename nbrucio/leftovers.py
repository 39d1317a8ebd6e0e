"""Temporary files that a process left when it was killed: recognised by name, and removed by the next writer there."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from nbrucio.process import is_dead, this_process

#: ``.nbrucio-<place>.<pid>.<start>.<turn>.tmp``; see `nbrucio.process` for what tells a process from every other one.
_NAME = re.compile(r"\.nbrucio-(?:(?P<place>[0-9a-f]{16})\.(?P<pid>\d+)\.(?P<start>\d+)\.\d+|[^.]+)\.tmp\Z")
#: Nobody writes for so long. By this alone files of other machines are known to be left.
ABANDONED_S = 24 * 3600
_turns = count()
_swept: dict[Path, float] = {}
_PERIOD_S = 3600


def temporary_name() -> str:
    """A file name that no other writer uses."""
    return ".nbrucio-{}.{}.{}.{}.tmp".format(*this_process(), next(_turns))


def sweep(folder: Path) -> None:
    """Remove from ``folder`` what dead processes left there, unless that was done within the hour. Never raises."""
    now = time.monotonic()
    if now - _swept.get(folder, -_PERIOD_S) < _PERIOD_S:
        return
    _swept[folder] = now
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.match(entry.name)
            if match is not None and _is_left(match, entry):
                with suppress(OSError):
                    Path(entry.path).unlink()


def _is_left(match: re.Match[str], entry: os.DirEntry[str]) -> bool:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    if match["pid"] and is_dead(match["place"], int(match["pid"]), int(match["start"])):
        return True
    return time.time() - found.st_mtime > ABANDONED_S
