"""Finds the DIDs and handles that a notebook's code uses, without running it.

Only cells that mention nbrucio, or a name that an argument depends on, are parsed. Parsed cells are cached by their
text, so a save parses only edited cells, however long the notebook is.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from nbrucio.core.did import Did
from nbrucio.errors import BadDid
from nbrucio.kernel.constants import Names
from nbrucio.kernel.uses import RUNS_PYTHON, uses_in
from nbrucio.notebook.base import language_of

#: The only syntax recognised in other languages, in a comment: ``# nbrucio: scope:name``.
_DIRECTIVE = re.compile(r"^[ \t]*(?:#|//|--|;|%)+[ \t]*nbrucio:[ \t]*(\S+)[ \t]*$", re.MULTILINE)
_CELL_MAGIC = re.compile(r"\s*%%(\w+)[ \t]*([^\n]*)\n?(.*)", re.DOTALL)
# The assigned target must not begin with a space: two parts that both match spaces would backtrack over every split.
_LINE_MAGIC = re.compile(r"(?P<before>\s*(?:[^\s#%!=][^#%!=\n]*=\s*)?)%(?P<name>\w+)[ \t]*(?P<line>.*)")
_SHELL = re.compile(r"(?P<before>\s*(?:[^\s#%!=][^#%!=\n]*=\s*)?)!")
_HELP = re.compile(r"(?P<before>\s*)(?:\?{1,2}[\w.*]+|[\w.*]+\?{1,2})\s*$")
#: Largest length of a chain of names that depend on names.
_MAX_ROUNDS = 8
_MAX_CELL_CHARS = 200_000


@dataclass(frozen=True)
class Scan:
    """The data that a notebook's code uses.

    Attributes:
        dids: DIDs in order of first use, without duplicates.
        handles: handles in order of first use, without duplicates.
        dynamic: whether some use is known only at run time.
        unparsed: indices of code cells that mention nbrucio and are not valid Python.
    """

    dids: tuple[Did, ...] = ()
    handles: tuple[str, ...] = ()
    dynamic: bool = False
    unparsed: tuple[int, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the code certainly uses nothing else."""
        return not self.dynamic and not self.unparsed


def scan(sources: Sequence[str], language: str = "python") -> Scan:
    """Return what the code cells with these sources use, in this order.

    Args:
        sources: one text per code cell.
        language: language of the kernel. Except for ``python``, only comments ``# nbrucio: scope:name`` count.
    """
    if language.lower() not in ("python", "python3", "ipython"):
        found = [did for source in sources for did in _DIRECTIVE.findall(source)]
        return Scan(_valid(found), dynamic=True)  # other languages read the manifest themselves, by handle
    if not any("rucio" in source for source in sources):
        return Scan()
    return _scan_python(tuple(sources))


def scan_notebook(content: Mapping[str, object]) -> Scan:
    """Return what the notebook with this JSON content uses. Malformed parts are skipped."""
    cells = content.get("cells")
    sources = [_source(cell) for cell in cells if _is_code(cell)] if isinstance(cells, list) else []
    metadata = content.get("metadata")
    return scan(sources, (language_of(metadata) if isinstance(metadata, Mapping) else None) or "python")


@lru_cache(maxsize=16)  # most saves do not change code
def _scan_python(sources: tuple[str, ...]) -> Scan:
    interesting = {"nbrucio", "rucio"}
    for _ in range(_MAX_ROUNDS):
        mention = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(interesting))) + r")\b")
        # Searching plain text first takes a tenth of the time.
        indices = [n for n, s in enumerate(sources) if any(word in s for word in interesting) and mention.search(s)]
        result, needed = _read_cells(sources, indices)
        if needed <= interesting:
            break
        interesting |= needed
    return result


def _read_cells(sources: Sequence[str], indices: Iterable[int]) -> tuple[Scan, set[str]]:
    names = Names()
    dids: list[str] = []
    handles: list[str] = []
    unparsed: list[int] = []
    needed: set[str] = set()
    dynamic = False
    for number in indices:
        tree = _parse(sources[number])
        if tree is None:
            unparsed.append(number)
            continue
        uses = uses_in(tree, names)
        dids += uses.dids
        handles += uses.handles
        dynamic = dynamic or uses.dynamic
        needed |= uses.wanted | names.known()
    return Scan(_valid(dids), tuple(dict.fromkeys(handles)), dynamic, tuple(unparsed)), needed


@lru_cache(maxsize=2048)
def _parse(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell; None when it is not valid Python even without IPython's syntax."""
    if len(source) > _MAX_CELL_CHARS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # for example about an invalid escape in the user's code
            try:
                return ast.parse(source)
            except SyntaxError:
                return ast.parse(plain_python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def plain_python(source: str) -> str:
    """Return a cell's text with magics, shell lines and help replaced by valid Python.

    This is the part of IPython's transformation that a scan needs. IPython may be missing in the server, and the first
    call of its transformer takes longer than a save may.
    """
    cell = _CELL_MAGIC.match(source)
    if cell:
        name, line, body = cell.groups()
        if name in RUNS_PYTHON:
            return plain_python(body)
        return f"get_ipython().run_cell_magic({name!r}, {line!r}, {body!r})" if name == "rucio" else ""
    return "\n".join(_plain_line(line) for line in source.split("\n"))


def _plain_line(line: str) -> str:
    magic = _LINE_MAGIC.match(line)
    if magic:
        return f"{magic['before']}get_ipython().run_line_magic({magic['name']!r}, {magic['line']!r})"
    shell = _SHELL.match(line)
    if shell:
        return f"{shell['before']}None"
    help_asked = _HELP.match(line)
    return f"{help_asked['before']}pass" if help_asked else line


def _valid(texts: Iterable[str]) -> tuple[Did, ...]:
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
