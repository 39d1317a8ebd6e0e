"""The data that code uses, read from its syntax tree without running it.

It understands ``nbrucio.data("scope:name")`` and ``nbrucio.data["handle"]`` under any name that the imports and
assignments before it give to ``nbrucio`` or its ``data``, the magics ``%rucio`` and ``%%rucio``, and arguments that are
constants: literals, names bound to literals, sums and f-strings of these, and loops over literal lists. An argument
of any other kind makes the uses `dynamic`: which data is used is known only when the code runs.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

from .constants import Names

#: Cell and line magics that run Python, whose code is read too.
RUNS_PYTHON = frozenset({"time", "timeit", "capture", "prun"})

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Uses(NamedTuple):
    """DIDs and handles in the order of their first use.

    ``wanted`` are names in arguments that no code before them binds to a constant.
    """

    dids: tuple[str, ...]
    handles: tuple[str, ...]
    dynamic: bool
    wanted: frozenset[str]


def uses_in(tree: ast.AST, names: Names | None = None) -> Uses:
    """What ``tree`` uses. ``names`` is updated by what the tree binds, so that cells can be read one after another."""
    visitor = _Visitor(names or Names())
    visitor.visit(tree)
    return Uses(
        tuple(dict.fromkeys(visitor.dids)),
        tuple(dict.fromkeys(visitor.handles)),
        visitor.dynamic,
        frozenset(visitor.wanted),
    )


# ruff: noqa: N815 - the names of the methods are ast's
class _Visitor(ast.NodeVisitor):
    def __init__(self, names: Names) -> None:
        self.names = names
        self.dids: list[str] = []
        self.handles: list[str] = []
        self.dynamic = False
        self.wanted: set[str] = set()
        self._depth = 0  # of compound statements: in there an assignment adds a value instead of replacing it

    # Imports and assignments: the names of nbrucio.

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] == "nbrucio" and (alias.asname is None or alias.name == "nbrucio"):
                self.names.modules.add(alias.asname or "nbrucio")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module in ("nbrucio", "nbrucio.kernel") and not node.level:
            for alias in node.names:
                if alias.name in ("data", "*"):
                    self.names.datas.add(alias.asname or "data")

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._bind(target, node.value)
        self._visit_value(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, node.value)
            self._visit_value(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.names.strings[node.target.id] = None
        self.visit(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._bind(node.target, node.value)
        self._visit_value(node.value)

    def _visit_value(self, value: ast.expr) -> None:
        if not self._is_data(value):  # a second name for it is no use of it
            self.visit(value)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if not isinstance(target, ast.Name):
            self.visit(target)
            return
        name = target.id
        is_module = isinstance(value, ast.Name) and value.id in self.names.modules
        is_data = self._is_data(value)
        for known, bound in ((self.names.modules, is_module), (self.names.datas, is_data)):
            known.add(name) if bound else known.discard(name)
        self._bind_strings(name, self._bound_strings(name, value))

    def _bound_strings(self, name: str, value: ast.expr) -> tuple[str, ...] | None:
        unknown: set[str] = set()
        strings = self.names.texts(value, unknown)
        self.names.needs[name] = unknown
        return strings

    def _bind_strings(self, name: str, strings: tuple[str, ...] | None) -> None:
        if self._depth and name in self.names.strings:
            before = self.names.strings[name]
            strings = None if before is None or strings is None else tuple(dict.fromkeys(before + strings))
        self.names.strings[name] = strings

    # Blocks.

    def visit_If(self, node: ast.If) -> None:
        self._visit_block(node)

    def visit_While(self, node: ast.While) -> None:
        self._visit_block(node)

    def visit_Try(self, node: ast.Try) -> None:
        self._visit_block(node)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind_loop(node.target, node.iter)
        self._visit_block(node)

    visit_AsyncFor = visit_For

    def _visit_block(self, node: ast.AST) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def _visit_comprehension(self, node: ast.AST) -> None:
        for generator in getattr(node, "generators", ()):
            self._bind_loop(generator.target, generator.iter)
        self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def _bind_loop(self, target: ast.expr, values: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names.strings[target.id] = self._bound_strings(target.id, values)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        arguments = node.args
        own = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        hidden = {argument.arg for argument in own}
        strings, datas, modules = self.names.strings.copy(), self.names.datas.copy(), self.names.modules.copy()
        self.names.strings.update(dict.fromkeys(hidden))
        self.names.datas -= hidden
        self.names.modules -= hidden
        self.generic_visit(node)
        self.names.strings, self.names.datas, self.names.modules = strings, datas, modules

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _visit_function

    # Uses.

    def visit_Call(self, node: ast.Call) -> None:
        if self._is_data(node.func):
            arguments = [*node.args, *(word.value for word in node.keywords if word.arg == "did")]
            self._note(self.dids, arguments[0] if len(arguments) == 1 else None)
            for argument in arguments:
                self.visit(argument)
            return
        magic = _magic(node)
        if magic is not None:
            self._visit_magic(*magic)
            return
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self._is_data(node.value):
            self._note(self.handles, node.slice)
            self.visit(node.slice)
            return
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if self._is_data(node):
            self.dynamic = True  # passed to other code
            return
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """A leaf; ast's own method would first search for handlers with old names."""

    def visit_Name(self, node: ast.Name) -> None:
        if self._is_data(node) and isinstance(node.ctx, ast.Load):
            self.dynamic = True

    def _is_data(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.names.datas
        return (
            isinstance(node, ast.Attribute)
            and node.attr == "data"
            and isinstance(node.value, ast.Name)
            and node.value.id in self.names.modules
        )

    def _note(self, found: list[str], argument: ast.expr | None) -> None:
        strings = self.names.texts(argument, self.wanted) if argument is not None else None
        if strings is None:
            self.dynamic = True
        else:
            found.extend(strings)

    def _visit_magic(self, name: str, line: str, body: str | None) -> None:
        if name == "rucio":
            self.dids.extend(dids_in_magic(line, body or ""))
        elif name in RUNS_PYTHON:
            try:
                tree = ast.parse(line if body is None else body)
            except (SyntaxError, ValueError, RecursionError):
                return  # options before the statement, or code that cannot run anyway
            self.visit(tree)


def dids_in_magic(line: str, body: str = "") -> list[str]:
    """The DIDs that ``%rucio`` or ``%%rucio`` is given: words on its line, one a line below; ``#`` begins a comment."""
    rows = [row.partition("#")[0].strip() for row in body.splitlines()]
    return [*line.partition(" #")[0].split(), *(row for row in rows if row)]


def _magic(node: ast.Call) -> tuple[str, str, str | None] | None:
    """Name, line and body of a magic, in the form that IPython gives it: ``get_ipython().run_line_magic(…)``."""
    function = node.func
    if not (isinstance(function, ast.Attribute) and function.attr in ("run_line_magic", "run_cell_magic")):
        return None
    texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    words = [text for text in texts if isinstance(text, str)]
    if len(words) < 2:
        return None
    return words[0], words[1], words[2] if len(words) > 2 else None
