"""Files that are open over XRootD to be read in parts, each over a connection of its own.

XRootD's library shares one connection to a server between all files, unless their URLs have different user names. A
part begins where a connection is idle, so a handle stays open until the whole file is read: opening it again would cost
two round trips for each part.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

_HOST = re.compile("^[^:/]+://([^/?]*)")


@dataclass(eq=False)
class Handle:
    """A file over one connection; ``file`` is None before it is opened."""

    pfn: str
    number: int
    file: Any = None

    @property
    def url(self) -> str:
        """The PFN with the name of the connection. The first one is shared with files that are read whole."""
        scheme, separator, rest = self.pfn.partition("://")
        return f"{scheme}{separator}nbrucio{self.number}@{rest}" if self.number else self.pfn


class Handles:
    """The handles of one instance's storage. Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._idle: dict[str, list[Handle]] = defaultdict(list)
        self._numbers: dict[str, set[int]] = defaultdict(set)

    def take(self, pfn: str) -> Handle:
        """Return an idle handle of the file, or a new one with the lowest number that is free at its host."""
        with self._guard:
            if self._idle[pfn]:
                return self._idle[pfn].pop()
            used = self._numbers[_host(pfn)]
            number = next(number for number in range(len(used) + 1) if number not in used)
            used.add(number)
            return Handle(pfn, number)

    def give_back(self, handle: Handle) -> None:
        """Keep a handle for the next part of its file."""
        with self._guard:
            self._idle[handle.pfn].append(handle)

    def drop(self, handle: Handle) -> None:
        """Forget a handle, which the caller closes."""
        with self._guard:
            self._numbers[_host(handle.pfn)].discard(handle.number)

    def end(self, pfn: str) -> list[Handle]:
        """Forget the idle handles of a file, and return them to be closed."""
        with self._guard:
            idle = self._idle.pop(pfn, [])
            self._numbers[_host(pfn)].difference_update(handle.number for handle in idle)
            return idle


def has_user(pfn: str) -> bool:
    """Whether a PFN names a user, which is then the name of its only connection."""
    return "@" in _host(pfn)


def _host(pfn: str) -> str:
    found = _HOST.match(pfn)
    return found[1].lower() if found else ""
