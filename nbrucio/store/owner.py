"""Who writes a partial file, so that another process can tell whether that writer still lives."""

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
    """One process that writes partial files; its attributes are those of `nbrucio.disk.process.this_process`."""

    place: str
    pid: int
    start: int

    def partial_name(self, key: str) -> str:
        """A file name for the object ``key`` that no other partial has."""
        return f"{key}.{self.place}.{self.pid}.{self.start}.{next(_turns)}.part"

    def is_dead(self) -> bool:
        """Whether this writer certainly runs no more. False when that cannot be known from here."""
        return process.is_dead(self.place, self.pid, self.start)


def this_writer() -> Writer:
    """The writer that this process is; also right in a child after a fork."""
    return Writer(*process.this_process())


def parse_partial_name(name: str) -> tuple[str, Writer] | None:
    """Object key and writer of a partial's file name; None when it is no partial."""
    match = _NAME.match(name)
    if match is None:
        return None
    return match["key"], Writer(match["place"], int(match["pid"]), int(match["start"]))
