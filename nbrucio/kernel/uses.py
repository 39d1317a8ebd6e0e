"""The data that code uses, read from its syntax tree without running it.

It understands ``nbrucio.data("scope:name")`` and ``nbrucio.data["handle"]`` under any name that the imports and
assignments before it give to ``nbrucio`` or its ``data``, the magics ``%rucio`` and ``%%rucio``, and arguments that are
constant expressions (`nbrucio.kernel.constants`). DIDs that the code takes out of a loop, a dict or a class are kept
apart. With any other argument the uses are `dynamic`: the data is known only when the code runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple

from .names import DATA, MODULE, Meaning, Names, NbrucioName
from .values import Value, class_value, either, with_item

#: Cell and line magics that run Python, whose code is read too.
RUNS_PYTHON = frozenset({"time", "timeit", "capture", "prun"})


class Uses(NamedTuple):
    """DIDs and handles in the order of their first use.

    Attributes:
        dids: DIDs that the code names.
        handles: handles that the code names.
        dynamic: whether some use is known only at run time.
        wanted: names in arguments that the code before does not bind to a constant.
        derived: DIDs that the code takes out of a loop, a dict or a class.
        whole: those of all these DIDs and handles of which the code needs all files at once.
        iterations: the calls of ``as_completed``, which need them one by one.
    """

    dids: tuple[str, ...]
    handles: tuple[str, ...]
    dynamic: bool
    wanted: frozenset[str]
    derived: tuple[str, ...] = ()
    whole: frozenset[str] = frozenset()
    iterations: tuple[ast.Call, ...] = ()


def uses_in(tree: ast.AST, names: Names | None = None) -> Uses:
    """Return the uses in ``tree``. ``names`` is updated with the tree's bindings, so that cells can be read in
    order.
    """
    reader = UsesReader(names or Names())
    reader.visit(tree)
    return reader.uses()


# ruff: noqa: N815 - the names of the methods are ast's
class UsesReader(ast.NodeVisitor):
    """Collects the uses of a tree. The work is proportional to the size of the tree."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.dids: list[str] = []
        self.handles: list[str] = []
        self.derived: list[str] = []
        self.dynamic = False
        self.wanted: set[str] = set()
        self.whole: set[str] = set()
        self.iterations: list[ast.Call] = []
        self._depth = 0  # of compound statements: in there an assignment adds a value instead of replacing it

    def uses(self) -> Uses:
        """Return the uses found so far."""
        dids, handles, derived = (tuple(dict.fromkeys(found)) for found in (self.dids, self.handles, self.derived))
        wanted, whole = frozenset(self.wanted), frozenset(self.whole)
        return Uses(dids, handles, self.dynamic, wanted, derived, whole, tuple(self.iterations))

    # Imports and assignments.

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] == "nbrucio" and (alias.asname is None or alias.name == "nbrucio"):
                self.names.bind(alias.asname or "nbrucio", MODULE)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module in ("nbrucio", "nbrucio.kernel") and not node.level:
            for alias in node.names:
                if alias.name in ("data", "*"):
                    self.names.bind(alias.asname or "data", DATA)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assign(node.targets, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assign([node.target], node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._assign([node.target], node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            before = ast.Name(node.target.id, ast.Load())
            self._bind(node.target.id, *self.names.evaluated(ast.BinOp(before, node.op, node.value)), replaces=True)
        self.visit(node.value)

    def _assign(self, targets: Iterable[ast.expr], assigned: ast.expr) -> None:
        meaning, needs = self._meaning(assigned)
        for target in targets:
            self._assign_to(target, meaning, needs, assigned)
        if meaning is not DATA:  # a second name for it is not a use
            self.visit(assigned)

    def _assign_to(self, target: ast.expr, meaning: Meaning, needs: frozenset[str], assigned: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, meaning, needs)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = assigned.elts if isinstance(assigned, (ast.Tuple, ast.List)) else []
            for number, element in enumerate(target.elts):
                alone = len(parts) == len(target.elts) and isinstance(element, ast.Name)
                self._bind_targets(element, *(self._meaning(parts[number]) if alone else (None, frozenset())))
        else:
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                self._set_item(target.value.id, target.slice, meaning)
            self.visit(target)

    def _meaning(self, node: ast.expr) -> tuple[Meaning, frozenset[str]]:
        if self._is_data(node):
            return DATA, frozenset()
        if isinstance(node, ast.Name) and self.names.means(node.id) is MODULE:
            return MODULE, frozenset()
        return self.names.evaluated(node)

    def _bind(self, name: str, meaning: Meaning, needs: frozenset[str], *, replaces: bool = False) -> None:
        if self._depth and not replaces and self.names.is_bound(name) and not isinstance(meaning, NbrucioName):
            before = self.names.means(name)
            meaning = either(before, meaning) if isinstance(before, Value) else None
        self.names.bind(name, meaning, needs)

    def _set_item(self, name: str, key: ast.expr | None, item: Meaning) -> None:
        """Read ``name[key] = item``, or ``name.append(item)`` if the key is None."""
        before = self.names.means(name)
        if not isinstance(before, Value):
            return
        known = None if key is None else self.names.evaluated(key)[0]
        added = with_item(before, known, item) if isinstance(item, Value) and (key is None or known) else None
        self.names.bind(name, added)

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
            self.names.bind(target.id, *self.names.evaluated(values, items=True))
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = self.names.evaluator.columns(values)
            for number, element in enumerate(target.elts):
                self._bind_targets(element, parts[number] if len(parts) == len(target.elts) else None)

    def _bind_targets(self, target: ast.expr, meaning: Meaning, needs: frozenset[str] = frozenset()) -> None:
        if isinstance(target, ast.Name):
            self.names.bind(target.id, meaning, needs)
            return
        for element in getattr(target, "elts", ()):
            self._bind_targets(element, None)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        arguments = node.args
        outer = self.names.enter()
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            self.names.bind(argument.arg, None)
        self.generic_visit(node)
        self.names.leave(outer)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _visit_function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer = self.names.enter()
        self.generic_visit(node)
        bound = self.names.leave(outer)
        self.names.bind(node.name, class_value((name, each) for name, each in bound.items() if isinstance(each, Value)))

    # Uses.

    def visit_Call(self, node: ast.Call) -> None:
        if self._is_data(node.func):
            self._visit_use(self.dids, [*node.args, *(word.value for word in node.keywords if word.arg == "did")])
            return
        if isinstance(node.func, ast.Attribute) and node.func.attr == "as_completed" and self._visit_iteration(node):
            return
        magic = magic_of(node)
        if magic is not None:
            self._visit_magic(*magic)
            return
        function = node.func
        appends = isinstance(function, ast.Attribute) and function.attr == "append" and len(node.args) == 1
        if appends and isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            self._set_item(function.value.id, None, self.names.evaluated(node.args[0])[0])
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self._is_data(node.value):
            self._visit_use(self.handles, [node.slice])
            return
        self.generic_visit(node)

    def _visit_use(self, found: list[str], arguments: list[ast.expr], *, whole: bool = True) -> None:
        self._note(found, arguments[0] if len(arguments) == 1 else None, whole=whole)
        for argument in arguments:
            self.visit(argument)

    def _visit_iteration(self, call: ast.Call) -> bool:
        """Read ``nbrucio.data["muons"].as_completed()``, or the same with a DID or as a method of ``data``."""
        of = call.func.value if isinstance(call.func, ast.Attribute) else call.func
        by_did = [word.value for word in call.keywords if word.arg == "did"]
        if self._is_data(of):
            self._visit_use(self.dids if by_did else self.handles, by_did or call.args, whole=False)
        elif isinstance(of, ast.Subscript) and self._is_data(of.value):
            self._visit_use(self.handles, [of.slice], whole=False)
            self.iterations.append(call)
        elif isinstance(of, ast.Call) and self._is_data(of.func):
            self._visit_use(self.dids, [*of.args, *(word.value for word in of.keywords)], whole=False)
            self.iterations.append(call)
        else:
            return False
        return True

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
            return self.names.means(node.id) is DATA
        return (
            isinstance(node, ast.Attribute)
            and node.attr == "data"
            and isinstance(node.value, ast.Name)
            and self.names.means(node.value.id) is MODULE
        )

    def _note(self, found: list[str], argument: ast.expr | None, *, whole: bool = True) -> None:
        if argument is None:
            self.dynamic = True
            return
        value, needs = self.names.evaluated(argument)
        texts = value.texts() if value is not None else None
        if value is None or texts is None:
            self.dynamic = True
            self.wanted |= needs
        elif value.derived and found is self.dids:
            self.derived.extend(texts)
        else:
            found.extend(texts)
        if texts is not None and whole:
            self.whole.update(texts)

    def _visit_magic(self, name: str, line: str, body: str | None) -> None:
        if name == "rucio":
            named = dids_in_magic(line, body or "")
            self.dids.extend(named)
            self.whole.update(named)
        elif name in RUNS_PYTHON:
            try:
                tree = ast.parse(line if body is None else body)
            except (SyntaxError, ValueError, RecursionError):
                return  # options before the statement, or code that cannot run anyway
            self.visit(tree)


def dids_in_magic(line: str, body: str = "") -> list[str]:
    """Return the arguments of ``%rucio`` or ``%%rucio``: words on its line, one a line below; ``#`` begins a
    comment.
    """
    rows = [row.partition("#")[0].strip() for row in body.splitlines()]
    return [*line.partition(" #")[0].split(), *(row for row in rows if row)]


def magic_of(node: ast.Call) -> tuple[str, str, str | None] | None:
    """Return name, line and body of a magic in IPython's form: ``get_ipython().run_line_magic(…)``."""
    function = node.func
    if not (isinstance(function, ast.Attribute) and function.attr in ("run_line_magic", "run_cell_magic")):
        return None
    texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    words = [text for text in texts if isinstance(text, str)]
    if len(words) < 2:
        return None
    return words[0], words[1], words[2] if len(words) > 2 else None
