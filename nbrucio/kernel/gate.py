"""The gate: a cell that uses data waits until the data is ready, or is stopped before it runs.

An exception in IPython's ``pre_run_cell`` does not stop a cell; an AST transformer that raises `InputRejected` does, in
every front end and in papermill. Any other exception would unregister the transformer, so nothing else leaves it.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import logging
import sys
from collections.abc import Mapping
from html import escape
from typing import Any

from IPython.core.error import InputRejected  # only IPython loads this module
from IPython.display import display

from . import data
from .errors import DataNotHere, short_traceback
from .lookup import Data
from .manifest import Entry
from .refusals import not_ready
from .uses import Names, dids_in_magic, uses_in
from .waiting import wait_for

log = logging.getLogger(__name__)


class DataNotReady(InputRejected):
    """A cell was stopped before it ran, because data that it uses is missing."""

    def __init__(self, reason: DataNotHere) -> None:
        super().__init__(str(reason))
        self.reason = reason

    def _render_traceback_(self) -> list[str]:
        return [*short_traceback("DataNotReady", self.reason), "The cell was not run."]


class Gate(ast.NodeTransformer):
    """IPython calls `visit` with each cell's tree before the cell runs. The tree is not changed."""

    def __init__(self, variables: dict[str, Any], found: Data = data) -> None:
        self._variables = variables
        self._data = found

    def visit(self, node: ast.AST) -> ast.AST:
        """Wait for the data that the cell uses, then return its tree unchanged.

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
        loaded, stored, imports = _names_in(tree)
        handles: tuple[str, ...] = self._to_bind(loaded - stored)
        bound = handles
        dids: tuple[str, ...] = ()
        modules = {name for name in loaded if _is_nbrucio(self._variables.get(name))}
        datas = {name for name in loaded if self._variables.get(name) is self._data}
        if modules or datas or imports or "get_ipython" in loaded:
            uses = uses_in(tree, Names(modules, datas, self._variables.get))
            handles, dids = (*handles, *uses.handles), uses.dids
        if not handles and not dids:
            return
        for entry in wait_for(self._data, handles, dids, OutputLine()):
            if entry.state != "ready":
                raise not_ready(entry, self._data.manifest())
        for handle in bound:
            self._variables[handle] = self._data[handle]

    def _to_bind(self, names: set[str]) -> tuple[str, ...]:
        """The unbound names in ``names`` that the declaration wants as variables."""
        unbound = {name for name in names if name not in self._variables and not hasattr(builtins, name)}
        if not unbound:
            return ()
        try:
            entries = self._data.manifest().entries
        except DataNotHere:
            return ()
        return tuple(name for name in unbound if name in entries and may_bind(entries[name], self._variables))


def may_bind(entry: Entry, variables: Mapping[str, object]) -> bool:
    """Whether the handle of ``entry`` may become a variable: requested, a plain name, and not bound yet."""
    name = entry.handle
    plain = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
    return entry.bind and plain and not hasattr(builtins, name) and name not in variables


def _is_nbrucio(value: object) -> bool:
    return isinstance(value, type(sys)) and value.__name__ == "nbrucio"


def _names_in(tree: ast.AST) -> tuple[set[str], set[str], bool]:
    """Names that the tree reads, names that it binds, and whether it imports nbrucio."""
    loaded: set[str] = set()
    stored: set[str] = set()
    imports = False
    left = [tree]  # by hand, since ast.walk takes twice as long and this runs for every cell
    while left:
        node = left.pop()
        kind = type(node)
        if kind is ast.Name:
            (loaded if type(node.ctx) is ast.Load else stored).add(node.id)  # type: ignore[attr-defined]
            continue
        if kind is ast.Import or kind is ast.ImportFrom:
            imports = imports or _imports_nbrucio(node)
            continue
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                left.extend(item for item in value if isinstance(item, ast.AST))
            elif isinstance(value, ast.AST):
                left.append(value)
    return loaded, stored, imports


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
        if text == self._text:
            return
        self._text = text
        show: Any = display  # without types
        bundle = {"text/plain": text, "text/html": f"<small>{escape(text)}</small>"}
        if self._display is None:
            self._display = show(bundle, raw=True, display_id=True)
        else:
            self._display.update(bundle, raw=True)


def load(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Install the gate and the magic ``%rucio`` in ``shell``, once."""
    if any(isinstance(transformer, Gate) for transformer in shell.ast_transformers):
        return
    shell.ast_transformers.append(Gate(shell.user_ns))
    shell.register_magic_function(_magic, "line_cell", "rucio")
    # Uses that a cell's tree does not show (a computed handle, a call inside a function) wait here.
    data.before = lambda handles, dids: wait_for(data, handles, dids, OutputLine())


def unload(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Remove the gate from ``shell``."""
    shell.ast_transformers[:] = [one for one in shell.ast_transformers if not isinstance(one, Gate)]
    data.before = None


def _magic(line: str, cell: str = "") -> object:
    """``%rucio scope:name`` returns the files of a declared DID; several DIDs return a tuple."""
    found = tuple(data(did) for did in dids_in_magic(line, cell))
    return found[0] if len(found) == 1 else found
