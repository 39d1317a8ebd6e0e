"""The RSEs that downloads come from, by the preferences of operator and user."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple


class RseChoice(NamedTuple):
    """A choice among the RSEs that downloads come from.

    Attributes:
        only: Rucio's RSE expression; replicas elsewhere are not used. None for no limit.
        prefer: RSEs whose replicas are tried first, with ``*`` as the wildcard.
        avoid: RSEs whose replicas are tried last.
    """

    only: str | None = None
    prefer: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()

    def reason(self, rse: str) -> str:
        """Return why ``rse`` is the first one."""
        if _matches(rse, self.avoid):
            return "avoided, but has the only replica"
        if _matches(rse, self.prefer):
            return "preferred"
        return f"matches {self.only}" if self.only else "first in Rucio's order"

    def rank(self, rse: str) -> tuple[bool, bool]:
        """Return a value to sort by: the preferred ones are first, and the avoided ones last."""
        return _matches(rse, self.avoid), not _matches(rse, self.prefer)


def _matches(rse: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(rse, pattern) for pattern in patterns)
