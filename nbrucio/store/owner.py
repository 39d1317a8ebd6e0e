"""The writer of a partial file, so that another process can tell whether it still runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count

from nbrucio.disk import process

_NAME = re.compile(
    r"(?P<key>[0-9a-f]{64})\.(?P<place>[0-9a-f]{16})\.(?P<pid>\d+)\.(?P<start>\d+)\.(?P<turn>\d+)\.part\Z"
)
_turns = count()


@dataclass(frozen=True)
class Writer:
    """A process that writes partial files. Attributes are those of `nbrucio.disk.process.this_process`."""

    place: str
    pid: int
    start: int

    def partial_name(self, key: str) -> str:
        """Return a unique file name for a partial file of the object ``key``."""
        return f"{key}.{self.place}.{self.pid}.{self.start}.{next(_turns)}.part"

    def is_dead(self) -> bool:
        """Whether this writer certainly no longer runs. False when that cannot be known from here."""
        return process.is_dead(self.place, self.pid, self.start)


def this_writer() -> Writer:
    """Return this process as a writer; correct in a child after a fork, too."""
    return Writer(*process.this_process())


def parse_partial_name(name: str) -> tuple[str, Writer] | None:
    """Return object key and writer of a partial file's name; None for any other name."""
    match = _NAME.match(name)
    if match is None:
        return None
    return match["key"], Writer(match["place"], int(match["pid"]), int(match["start"]))
