"""A notebook as a value, whichever way its file is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.notebook.json_edit import ObjectText

KEY = "nbrucio"


#: Of a notebook. Its text takes up to four times as much while it is read.
MAX_BYTES = 1 << 29


class Notebook(NamedTuple):
    """A notebook as it is on disk. Make one with `load` or `parse`.

    Attributes:
        path: where it is.
        raw: its bytes.
        metadata: what they say.
        outline: where the document and its metadata stand in the text of ``raw``, for `with_value`; None in a text
            notebook.
        sources: of the code cells.
    """

    path: Path
    raw: bytes
    metadata: Mapping[str, object]
    outline: tuple[ObjectText, ObjectText] | None
    sources: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Notebook({str(self.path)!r})"

    def value(self) -> object | None:
        """What the notebook holds under our key, unchecked; None when it has no such key."""
        return self.metadata.get(KEY)

    def language(self) -> str | None:
        """The programming language of the code cells as the notebook says it (``python``); None when it does not."""
        return language_of(self.metadata)

    def code_cells(self) -> tuple[str, ...]:
        """The source of each code cell, in order; cells without a readable source are left out."""
        return self.sources


def language_of(metadata: Mapping[str, object]) -> str | None:
    """The programming language that a notebook's metadata names; None when it names none.

    The kernel that was chosen decides: what the last one said of itself may be older.
    """
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        about = metadata.get(key)
        language = about.get(name) if isinstance(about, Mapping) else None
        if isinstance(language, str) and language:
            return language
    return None
