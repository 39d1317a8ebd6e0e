"""The gate: a cell that uses data waits until the data is ready, or is stopped before it runs.

An exception in IPython's ``pre_run_cell`` does not stop a cell; an AST transformer that raises `InputRejected` does, in
every front end and in papermill. Any other exception would unregister the transformer, so it raises no other.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import logging
import re
import sys
from collections.abc import Mapping
from html import escape
from typing import Any, NamedTuple

from IPython import get_ipython
from IPython.core.error import InputRejected, UsageError  # only IPython loads this module
from IPython.display import display

from . import data
from .asked import variables_in_text
from .bound import variable_of
from .consent import await_entries
from .errors import DataNotHere, short_traceback
from .files import Files
from .lookup import Data
from .manifest import MAX_BYTES, read_regular
from .names import Names
from .refusals import not_ready
from .uses import dids_in_magic, uses_in

log = logging.getLogger(__name__)
#: Where IPython puts the value of a variable into the text of a magic or command.
_EXPANDED = re.compile(r"\{[^{}]+\}|\$\w+")
#: What binds a name that it holds as text.
_BINDING = {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.arg}
#: Magics that run code without showing the gate its tree.
_RUN_PYTHON = {"timeit", "prun"}


class DataNotReady(InputRejected):
    """A cell was stopped before it ran, because data that it uses is missing."""

    def __init__(self, reason: DataNotHere) -> None:
        super().__init__(str(reason))
        self.reason = reason

    def _render_traceback_(self) -> list[str]:
        return [*short_traceback("DataNotReady", self.reason), "The cell was not run."]


class Gate(ast.NodeTransformer):
    """IPython calls `visit` with each cell's tree before the cell runs.

    The tree stays as it is but for ``nbrucio.data["muons"].as_completed()``, which needs no complete data. Python would
    take ``nbrucio.data["muons"]`` first, so it becomes ``nbrucio.data.as_completed("muons")``.
    """

    def __init__(self, variables: dict[str, Any], found: Data = data) -> None:
        self._variables = variables
        self._data = found
        #: By name, the variables that the gate has bound, and of which files.
        self._bound: dict[str, tuple[Files, object]] = {}

    def visit(self, node: ast.AST) -> ast.AST:
        """Wait for the data that the cell uses, then return its tree.

        Raises:
            DataNotReady: the cell uses data that is missing.
        """
        try:
            self._check(node)
        except DataNotHere as error:
            raise DataNotReady(error) from None
        except KeyboardInterrupt:
            raise DataNotReady(DataNotHere("Waiting for the data of this cell was interrupted.")) from None
        except Exception:  # an error of our own must not keep a cell from running
            log.debug("nbrucio: the gate failed, and the cell ran", exc_info=True)
        return node

    def _check(self, tree: ast.AST) -> None:
        found = _names_in(tree)
        loaded = found.loaded
        # A cell that sets the variable itself may not need ours, and then it may: ``one = uproot.open(one)``.
        needed = (loaded | found.expanded()) - found.stored
        variables = self._to_bind(loaded | found.mentioned(), needed)
        handles = tuple(name for name in variables if name in needed)
        dids: tuple[str, ...] = ()
        modules = {name for name in loaded if _is_nbrucio(self._variables.get(name))}
        datas = {name for name in loaded if self._variables.get(name) is self._data}
        if modules or datas or found.imports or "get_ipython" in loaded:
            uses = uses_in(tree, Names(modules, datas, self._variables.get))
            handles = (*handles, *filter(uses.whole.__contains__, uses.handles))
            dids = tuple(filter(uses.whole.__contains__, (*uses.dids, *uses.derived)))
            for call in uses.iterations:
                _as_method_of_data(call)
        if handles or dids:
            for entry in await_entries(self._data, handles, dids, OutputLine(), attended):
                if entry.state != "ready":
                    raise not_ready(entry, self._data.manifest())
        for name in variables:
            if name in needed or self._is_ready(name):
                self._bind(name)

    def _is_ready(self, name: str) -> bool:
        try:
            return self._data.manifest().entries[name].state == "ready" and self._data.outdated((name,)) is None
        except (DataNotHere, KeyError):
            return False

    def _bind(self, name: str) -> None:
        files = self._data[name]
        if name not in self._variables or self._bound[name][0] is not files:
            self._variables[name] = variable_of(files)
            self._bound[name] = (files, self._variables[name])

    def _to_bind(self, names: set[str], needed: set[str]) -> list[str]:
        """Return the handles that the cell reads, the declaration wants as variables, and no other code has bound."""
        free = {name for name in names if self._is_free(name)}
        if not free:
            return []
        try:
            entries = self._data.manifest().entries
        except DataNotHere:
            return [name for name in self._wanted(free & needed) if may_bind(name)]
        return [name for name in free if name in entries and entries[name].bind and may_bind(name)]

    def _is_free(self, name: str) -> bool:
        return name not in self._variables or (name in self._bound and self._variables[name] is self._bound[name][1])

    def _wanted(self, names: set[str]) -> list[str]:
        """Return the same from the notebook, before its first sync."""
        if not names:  # a notebook may be large
            return []
        notebook = self._data.notebook()
        asked = self._data.asked(notebook)
        if asked is not None:
            return [handle for handle in asked.variables() if handle in names]
        if not notebook or notebook.endswith(".ipynb"):
            return []
        try:
            return variables_in_text(read_regular(notebook, MAX_BYTES).decode(errors="replace"), names)
        except OSError:
            return []


def _as_method_of_data(call: ast.Call) -> None:
    """Make ``nbrucio.data("scope:name").as_completed()`` read ``nbrucio.data.as_completed(did="scope:name")``, and that
    of a handle accordingly."""
    function = call.func
    if not isinstance(function, ast.Attribute):
        return
    of = function.value
    if isinstance(of, ast.Subscript):
        function.value = of.value
        call.args = [of.slice, *call.args]
    elif isinstance(of, ast.Call):
        function.value = of.func
        call.keywords = [*(ast.keyword("did", value) for value in of.args), *of.keywords, *call.keywords]
    ast.fix_missing_locations(call)


def may_bind(handle: str) -> bool:
    """Whether a handle may become a variable: a plain name that is not built in."""
    plain = handle.isidentifier() and not keyword.iskeyword(handle) and not handle.startswith("_")
    return plain and not hasattr(builtins, handle)


def _is_nbrucio(value: object) -> bool:
    return isinstance(value, type(sys)) and value.__name__ == "nbrucio"


class _CellNames(NamedTuple):
    """Names that a tree reads, names that it binds, the texts in it, and whether it imports nbrucio."""

    loaded: set[str]
    stored: set[str]
    texts: list[str]
    imports: bool

    def mentioned(self) -> set[str]:
        """Return the words in the arguments of magics and commands."""
        return self._words(self.texts) if "get_ipython" in self.loaded else set()

    def expanded(self) -> set[str]:
        """Those of them that are variables: ``!head {one}``, ``%timeit len(one)``."""
        if _RUN_PYTHON & set(self.texts):
            return self.mentioned()
        return self._words(_EXPANDED.findall(" ".join(self.texts))) if "get_ipython" in self.loaded else set()

    def _words(self, texts: list[str]) -> set[str]:
        return set().union(*(re.findall(r"[^\W\d]\w*", text) for text in texts))


def _names_in(tree: ast.AST) -> _CellNames:
    found = _CellNames(set(), set(), [], imports=False)
    imports = False
    left = [tree]  # not by ast.walk, which takes twice as long; this runs for every cell
    while left:
        node = left.pop()
        kind = type(node)
        if kind is ast.Name:
            (found.loaded if type(node.ctx) is ast.Load else found.stored).add(node.id)  # type: ignore[attr-defined]
            continue
        if kind is ast.Constant:
            if type(node.value) is str:  # type: ignore[attr-defined]
                found.texts.append(node.value)  # type: ignore[attr-defined]
            continue
        if kind is ast.Import or kind is ast.ImportFrom:
            imports = imports or _imports_nbrucio(node)
            found.stored.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)  # type: ignore[attr-defined]
            continue
        if kind in _BINDING:
            found.stored.add(str(getattr(node, "name", None) or getattr(node, "arg", "")))
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                left.extend(item for item in value if isinstance(item, ast.AST))
            elif isinstance(value, ast.AST):
                left.append(value)
    return found._replace(imports=imports)


def _imports_nbrucio(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] == "nbrucio"
    return isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == "nbrucio" for alias in node.names)


class OutputLine:
    """One line in the cell's output, updated in place."""

    def __init__(self) -> None:
        self._display: Any = None
        self._text = ""

    def __call__(self, text: str) -> None:
        """Replace the line by ``text``."""
        if text != self._text:
            self._text = text
            self._show({"text/plain": text, "text/html": f"<small>{escape(text)}</small>"})

    def ask(self, text: str, bundle: Mapping[str, object]) -> None:
        """Replace the line by a question; a front end that does not know ``bundle`` shows ``text``."""
        self._text = text
        self._show({"text/plain": text, **bundle})

    def _show(self, bundle: Mapping[str, object]) -> None:
        show: Any = display  # without types
        if self._display is None:
            self._display = show(bundle, raw=True, display_id=True)
        else:
            self._display.update(bundle, raw=True)


def attended() -> bool:
    """Whether a person may answer: the front end of the running cell takes input, which nbclient's and papermill's do
    not."""
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))


def load(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Install the gate and the magics ``%rucio`` and ``%nbrucio`` in ``shell``, once."""
    if any(isinstance(transformer, Gate) for transformer in shell.ast_transformers):
        return
    shell.ast_transformers.append(Gate(shell.user_ns))
    shell.register_magic_function(_magic, "line_cell", "rucio")
    shell.register_magic_function(_status_magic, "line", "nbrucio")
    # Uses that a cell's tree does not show (a computed handle, a call inside a function) wait here.
    data.before = lambda handles, dids, whole: await_entries(data, handles, dids, OutputLine(), attended, whole=whole)


def unload(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Remove the gate from ``shell``."""
    shell.ast_transformers[:] = [one for one in shell.ast_transformers if not isinstance(one, Gate)]
    data.before = None


def _magic(line: str, cell: str = "") -> object:
    """``%rucio scope:name`` returns the files of a declared DID; several DIDs return a tuple."""
    found = tuple(data(did) for did in dids_in_magic(line, cell))
    return found[0] if len(found) == 1 else found


def _status_magic(line: str) -> object:
    """``%nbrucio status`` shows which data of this notebook is ready, downloading or missing."""
    if line.strip() not in ("", "status"):
        raise UsageError(f"%nbrucio has one command, status, and not {line.strip()!r}. In a terminal: nbrucio --help")
    from .shown import Status  # most kernels show none

    return Status(data)
