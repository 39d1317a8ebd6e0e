"""A notebook as a value, in whichever format its file is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.notebook.json_edit import ObjectText

KEY = "nbrucio"
#: The metadata key of rucio-jupyterlab, read as a declaration where ours is absent.
ATTACHMENTS_KEY = "rucio_attachments"


#: Size limit of a notebook. Reading one takes up to four times its size in memory.
MAX_BYTES = 1 << 29


class Notebook(NamedTuple):
    """A notebook as it is on disk. Make one with `nbrucio.notebook.ipynb.load` or ``parse``.

    Attributes:
        path: its path.
        raw: its bytes.
        metadata: its metadata.
        outline: positions of the document and of its metadata in the text of ``raw``, for `with_value`; None in a text
            notebook.
        sources: sources of the code cells.
    """

    path: Path
    raw: bytes
    metadata: Mapping[str, object]
    outline: tuple[ObjectText, ObjectText] | None
    sources: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Notebook({str(self.path)!r})"

    def value(self) -> object | None:
        """Return the notebook's value of our key, unchecked; None without one."""
        return self.metadata.get(KEY)

    def language(self) -> str | None:
        """Return the programming language of the code cells (``python``), by the metadata; None without one."""
        return language_of(self.metadata)

    def code_cells(self) -> tuple[str, ...]:
        """Return the source of each code cell, in order, without cells whose source is malformed."""
        return self.sources


def language_of(metadata: Mapping[str, object]) -> str | None:
    """Return the programming language that a notebook's metadata names; None without one.

    The selected kernel takes precedence: the information from the last kernel may be older.
    """
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        about = metadata.get(key)
        language = about.get(name) if isinstance(about, Mapping) else None
        if isinstance(language, str) and language:
            return language
    return None
