"""Find the DIDs and handles that a notebook's code uses, without running it.

Only cells that mention nbrucio, or a name on which an argument depends, are parsed; a parsed cell is remembered by its
text. So a save looks at what was edited, however long the notebook is.
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
from nbrucio.kernel.uses import RUNS_PYTHON, Names, uses_in
from nbrucio.notebook.base import language_of

#: In cells of other languages only this is understood, in a comment: ``# nbrucio: scope:name``.
_DIRECTIVE = re.compile(r"^[ \t]*(?:#|//|--|;|%)+[ \t]*nbrucio:[ \t]*(\S+)[ \t]*$", re.MULTILINE)
_CELL_MAGIC = re.compile(r"\s*%%(\w+)[ \t]*([^\n]*)\n?(.*)", re.DOTALL)
# What is assigned to begins with no space: two parts that both take spaces would be tried in every division of them.
_LINE_MAGIC = re.compile(r"(?P<before>\s*(?:[^\s#%!=][^#%!=\n]*=\s*)?)%(?P<name>\w+)[ \t]*(?P<line>.*)")
_SHELL = re.compile(r"(?P<before>\s*(?:[^\s#%!=][^#%!=\n]*=\s*)?)!")
_HELP = re.compile(r"(?P<before>\s*)(?:\?{1,2}[\w.*]+|[\w.*]+\?{1,2})\s*$")
#: A chain of names that depend on names is followed so far.
_MAX_ROUNDS = 8
_MAX_CELL_CHARS = 200_000


@dataclass(frozen=True)
class Scan:
    """What a notebook's code uses.

    Attributes:
        dids: in the order of first use, each once.
        handles: likewise.
        dynamic: whether something is used that only running the code tells.
        unparsed: indices of the code cells that mention nbrucio and are no valid Python.
    """

    dids: tuple[Did, ...] = ()
    handles: tuple[str, ...] = ()
    dynamic: bool = False
    unparsed: tuple[int, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing else can be in use: what is not listed here is not used."""
        return not self.dynamic and not self.unparsed


def scan(sources: Sequence[str], language: str = "python") -> Scan:
    """What the code cells with these sources use, read in this order.

    Args:
        sources: one text per code cell.
        language: of the kernel. In any but ``python`` only comments ``# nbrucio: scope:name`` count.
    """
    if language.lower() not in ("python", "python3", "ipython"):
        found = [did for source in sources for did in _DIRECTIVE.findall(source)]
        return Scan(_valid(found), dynamic=True)  # other languages read the manifest itself, by handle
    if not any("rucio" in source for source in sources):
        return Scan()
    return _scan_python(tuple(sources))


def scan_notebook(content: Mapping[str, object]) -> Scan:
    """What the notebook with this JSON content uses. Anything malformed in it is passed over."""
    cells = content.get("cells")
    sources = [_source(cell) for cell in cells if _is_code(cell)] if isinstance(cells, list) else []
    metadata = content.get("metadata")
    return scan(sources, (language_of(metadata) if isinstance(metadata, Mapping) else None) or "python")


@lru_cache(maxsize=16)  # most saves change no code
def _scan_python(sources: tuple[str, ...]) -> Scan:
    interesting = {"nbrucio", "rucio"}
    for _ in range(_MAX_ROUNDS):
        mention = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(interesting))) + r")\b")
        # Looked for as plain text first, which takes a tenth of the time.
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
    """The tree of a cell, or None when it is no valid Python even after IPython's additions are taken out."""
    if len(source) > _MAX_CELL_CHARS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an invalid escape in the user's code, say
            try:
                return ast.parse(source)
            except SyntaxError:
                return ast.parse(plain_python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def plain_python(source: str) -> str:
    """A cell's text with magics, shell lines and help turned into Python that parses.

    Of IPython's own transformation this is the part that a scan needs; IPython may be missing in the server, and the
    first call of its transformer takes longer than a save may.
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
