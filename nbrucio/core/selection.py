"""A deterministic subset of a requirement's files: same input, same subset, on every machine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nbrucio.core.files import FileEntry
from nbrucio.core.text import printable
from nbrucio.core.whole import whole_number
from nbrucio.errors import BadDeclaration


class Selection(NamedTuple):
    """A selection of a requirement's files. The conditions apply in this order, on files sorted by DID.

    Attributes:
        match: a glob on the file's name: ``*`` any characters (also ``/``), ``?`` one, ``[…]`` a set; None for all.
        first: the largest number of files; None for all.
        max_bytes: the largest total of the selected files; None for no limit.
    """

    match: str | None = None
    first: int | None = None
    max_bytes: int | None = None

    @classmethod
    def parse(cls, value: object) -> Selection:
        """Parse a declaration's ``select``.

        Raises:
            BadDeclaration: a key is unknown or a value has the wrong type.
        """
        if not isinstance(value, Mapping):
            raise BadDeclaration("'select' must be an object such as {\"first\": 2}.")
        unknown = sorted(set(map(str, value)) - {"match", "first", "max_bytes"})
        if unknown:
            raise BadDeclaration(
                f"'select' has the unknown key {printable(unknown[0], 40)}. "
                "The known keys are match, first and max_bytes."
            )
        match = value.get("match")
        if match is not None and (not isinstance(match, str) or not match):
            raise BadDeclaration("'select.match' must be a glob such as \"*.root\".")
        return cls(match, _count(value, "first"), _count(value, "max_bytes"))

    def as_json(self) -> dict[str, object]:
        """Return the ``select`` value from which `parse` makes this selection."""
        pairs = (("match", self.match), ("first", self.first), ("max_bytes", self.max_bytes))
        return {key: value for key, value in pairs if value is not None}

    def apply(self, files: Sequence[FileEntry]) -> tuple[FileEntry, ...]:
        """Return the selected files of ``files``, which must be sorted by DID.

        A file of unknown size counts as empty towards ``max_bytes``.
        """
        matches = None if self.match is None else _glob(self.match).match
        chosen = [entry for entry in files if matches is None or matches(entry.did.name)]
        if self.first is not None:
            chosen = chosen[: self.first]
        if self.max_bytes is None:
            return tuple(chosen)
        total = 0
        for index, entry in enumerate(chosen):
            total += entry.size_bytes or 0
            if total > self.max_bytes:
                return tuple(chosen[:index])
        return tuple(chosen)


def _count(value: Mapping[object, object], key: str) -> int | None:
    if value.get(key) is None:
        return None
    number = whole_number(value[key])
    if number is None or number < 1:
        raise BadDeclaration(f"'select.{key}' must be a whole number of at least 1.")
    return number


def _glob(pattern: str) -> re.Pattern[str]:
    """Translate ``pattern`` into a regular expression that cannot backtrack without end, since a notebook supplies it.
    `fnmatch.translate` ensures that with atomic look-aheads; its result is the same on every system.
    """
    import fnmatch

    return re.compile(fnmatch.translate(pattern))
