"""Finds the DIDs and handles that a notebook's code uses, without running it.

Only cells that mention nbrucio, or a name that an argument depends on, are parsed. Parsed cells are cached by their
text, so a save parses only edited cells, however long the notebook is. The work of a save is limited, whatever the code
is: see `Effort`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from nbrucio.core.did import Did
from nbrucio.errors import BadDid
from nbrucio.kernel.names import Names
from nbrucio.kernel.uses import uses_in
from nbrucio.notebook.base import language_of
from nbrucio.notebook.cell_syntax import plain_python

#: The only syntax recognised in other languages, in a comment: ``# nbrucio: scope:name``.
_DIRECTIVE = re.compile(r"^[ \t]*(?:#|//|--|;|%)+[ \t]*nbrucio:[ \t]*(\S+)[ \t]*$", re.MULTILINE)
#: Largest length of a chain of names that depend on names.
_MAX_ROUNDS = 8
_WORD = re.compile(r"\w+")
_FEW = 8


class Effort(NamedTuple):
    """Limits of one scan.

    Attributes:
        cell: size of the largest cell that is parsed, see `cell_size`.
        new: total size of the cells that are parsed for the first time. The next scan continues.
        read: total size of the cells whose trees are read.
        search: characters of cells that are split into words, to find those that mention a name.
        values: see `nbrucio.kernel.constants.MAX_WORK`.
    """

    cell: int = 200_000
    new: int = 20_000_000
    read: int = 20_000_000
    search: int = 100_000_000
    values: int = 100_000


#: For a save. Parsing takes about 0.3 µs a character, and reading the tree as long.
SAVE = Effort(cell=8_000, new=8_000, read=12_000, search=60_000, values=5_000)


@dataclass(frozen=True)
class Scan:
    """The data that a notebook's code uses.

    Attributes:
        dids: DIDs in order of first use, without duplicates.
        handles: handles in order of first use, without duplicates.
        dynamic: whether some use is known only at run time, or the effort did not suffice.
        unparsed: indices of code cells that mention nbrucio and are not valid Python, or are too large.
        derived: DIDs that the code takes out of a loop, a dict or a class.
    """

    dids: tuple[Did, ...] = ()
    handles: tuple[str, ...] = ()
    dynamic: bool = False
    unparsed: tuple[int, ...] = ()
    derived: tuple[Did, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the code certainly uses nothing else."""
        return not self.dynamic and not self.unparsed


def scan(sources: Sequence[str], language: str = "python", effort: Effort = Effort()) -> Scan:  # noqa: B008 - immutable
    """Return what the code cells with these sources use, in this order.

    Args:
        sources: one text per code cell.
        language: language of the kernel. Except for ``python``, only comments ``# nbrucio: scope:name`` count.
        effort: limits of the work.
    """
    if not is_python(language):
        found = [did for source in sources for did in _DIRECTIVE.findall(source)]
        return Scan(valid_dids(found), dynamic=True)  # other languages read the manifest themselves, by handle
    if not any("rucio" in source for source in sources):
        return Scan()
    result, finished = _scan_python(tuple(sources), effort)
    if not finished:
        _scan_python.cache_clear()  # the next scan finds what this one parsed, and continues
    return result


def is_python(language: str) -> bool:
    """Whether code of this language is read as Python."""
    return language.lower() in ("python", "python3", "ipython")


def scan_notebook(content: Mapping[str, object], effort: Effort = Effort()) -> Scan:  # noqa: B008 - immutable
    """Return what the notebook with this JSON content uses. Malformed parts are skipped."""
    cells = content.get("cells")
    sources = [_source(cell) for cell in cells if _is_code(cell)] if isinstance(cells, list) else []
    metadata = content.get("metadata")
    language = (language_of(metadata) if isinstance(metadata, Mapping) else None) or "python"
    return scan(sources, language, effort)


@lru_cache(maxsize=16)
def _scan_python(sources: tuple[str, ...], effort: Effort) -> tuple[Scan, bool]:
    """Return the result, and whether the effort sufficed.

    Remembered, since most saves do not change code: one of 300 cells takes 0.3 ms instead of 13 ms.
    """
    work = _Work(sources, effort)
    interesting = {"nbrucio", "rucio"}
    for _ in range(_MAX_ROUNDS):
        result, needed = work.read(work.mentioning(interesting))
        if needed <= interesting or work.exhausted:
            break
        interesting |= needed
    return (result if not work.exhausted else Scan(**{**vars(result), "dynamic": True})), not work.exhausted


class _Work:
    """The work of one scan, within its effort."""

    def __init__(self, sources: Sequence[str], effort: Effort) -> None:
        self._sources = sources
        self._effort = effort
        self._new, self._read, self._search = effort.new, effort.read, effort.search
        self._chars = sum(map(len, sources))
        self._words: dict[int, frozenset[str]] = {}  # of cells by their number
        self.exhausted = False

    def mentioning(self, words: set[str]) -> list[int]:
        """Return the cells that mention one of these words."""
        # Looking for a few texts takes a fiftieth of the time of splitting the source into words.
        few = words if len(words) <= _FEW else ()
        self._search -= self._chars * len(few) // 50
        found: list[int] = []
        for number, source in enumerate(self._sources):
            if few and not any(word in source for word in few):
                continue
            if number not in self._words:
                self._search -= len(source)
                if self._search < 0:
                    self.exhausted = True
                    return found
                self._words[number] = frozenset(_WORD.findall(source))
            if not self._words[number].isdisjoint(words):
                found.append(number)
        return found

    def read(self, indices: Iterable[int]) -> tuple[Scan, set[str]]:
        """Return what these cells use, and the names that matter for it."""
        names = Names(work=self._effort.values)
        dids: list[str] = []
        handles: list[str] = []
        derived: list[str] = []
        unparsed: list[int] = []
        needed: set[str] = set()
        dynamic = False
        for number in indices:
            source = self._sources[number]
            size = cell_size(source)
            if size > self._effort.cell:
                unparsed.append(number)
                continue
            if not self._affords(source, size):
                break
            tree = parsed(source)
            try:
                uses = uses_in(tree, names) if tree is not None else None
            except RecursionError:
                uses = None
            if uses is None:
                unparsed.append(number)
                continue
            dids += uses.dids
            handles += uses.handles
            derived += uses.derived
            dynamic = dynamic or uses.dynamic
            needed |= uses.wanted | names.known()
        found = valid_dids(dids)
        named = set(found)
        rest = tuple(did for did in valid_dids(derived) if did not in named)
        return Scan(found, tuple(dict.fromkeys(handles)), dynamic, tuple(unparsed), rest), needed

    def _affords(self, source: str, size: int) -> bool:
        self._read -= size
        if source not in _PARSED:
            self._new -= size
        self.exhausted = self.exhausted or self._read < 0 or self._new < 0
        return not self.exhausted


def cell_size(source: str) -> int:
    """Return the size of a cell by the time it takes: a field of an f-string, or a line, takes as long as several
    letters.
    """
    return len(source) + 10 * source.count("{") + 5 * source.count("\n")


#: Trees of parsed cells by their text, in the order of their last use; None for what is not valid Python.
_PARSED: dict[str, ast.Module | None] = {}
_MAX_PARSED = 2048


def parsed(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell; None when it is not valid Python even without IPython's syntax."""
    tree = _PARSED.pop(source) if source in _PARSED else _parse(source)
    _PARSED[source] = tree
    while len(_PARSED) > _MAX_PARSED:
        del _PARSED[next(iter(_PARSED))]
    return tree


def _parse(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # for example about an invalid escape in the user's code
            try:
                return ast.parse(source)
            except SyntaxError:
                return ast.parse(plain_python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def valid_dids(texts: Iterable[str]) -> tuple[Did, ...]:
    """Return the DIDs among these texts, each once."""
    found: dict[Did, None] = {}
    for text in texts:
        try:
            found[Did.parse(text)] = None
        except BadDid:
            continue
    return tuple(found)


def _is_code(cell: object) -> bool:
    return isinstance(cell, Mapping) and cell.get("cell_type") == "code"


def _source(cell: Mapping[str, object]) -> str:
    source = cell.get("source")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""
