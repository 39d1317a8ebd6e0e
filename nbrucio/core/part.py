"""The i-th of N parts of the files of a run, for the tasks of a job array."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nbrucio.core.plan import FileKey, ResolvedRequirement
from nbrucio.core.text import printable
from nbrucio.errors import UsageError

_MAX_PARTS = 1_000_000
_TEXT = re.compile(r"([0-9]{1,7})/([0-9]{1,7})\Z")


class Part(NamedTuple):
    """Part ``number`` of ``parts``, from 1."""

    number: int
    parts: int

    @classmethod
    def parse(cls, text: str) -> Part:
        """Parse ``2/10``.

        Raises:
            UsageError: ``text`` is not a part.
        """
        found = _TEXT.match(text)
        part = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= part.number <= part.parts <= _MAX_PARTS:
            raise UsageError(
                f"{printable(text)} is not a part: write i/N with i from 1 to N.",
                subject="--part",
                hint="The first of ten parts is 1/10, the last 10/10.",
            )
        return part

    def of(self, groups: Sequence[Sequence[ResolvedRequirement]]) -> list[tuple[ResolvedRequirement, ...]]:
        """Return the requirements of each notebook with their files of this part.

        The parts of the same lists are disjoint, together they have every file, and each has about the same number of
        bytes. A file of several requirements is in one part.
        """
        mine = self._mine(one for group in groups for one in group)
        return [
            tuple(
                one._replace(files=tuple(entry for entry in one.files if (one.instance, entry.did) in mine))
                for one in group
            )
            for group in groups
        ]

    def _mine(self, requirements: Iterable[ResolvedRequirement]) -> set[FileKey]:
        """Give each file, the largest first, to the part that has the fewest bytes, and of these the fewest files."""
        sizes = {(one.instance, entry.did): entry.size_bytes or 0 for one in requirements for entry in one.files}
        loads = [(0, 0, number) for number in range(1, self.parts + 1)]
        mine = set()
        for key in sorted(sizes, key=lambda key: (-sizes[key], key)):
            size_bytes, files, number = loads[0]
            if number == self.number:
                mine.add(key)
            heapq.heapreplace(loads, (size_bytes + sizes[key], files + 1, number))
        return mine
