"""Every text that the product raises, warns of or logs, read from its source without running it.

A text is a template: ``{did}`` stands for what the code puts there. Where a variable, a function or a table of the same
module supplies words, each of them makes a text of its own.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product, zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from nbrucio import errors
from nbrucio.errors import NbrucioError

#: Calls that say something without raising: events, warnings, log lines.
_NOTICES = {"Noticed", "warn", "warning", "exception"}
_BUILT_IN = {"OSError", "PermissionError", "ValueError", "TypeError", "RuntimeError", "NoReturn"}
#: Functions that only make a value fit to be shown.
_SHOWN_BY = {
    "str",
    "printable",
    "tidy",
    "repr",
    "human_bytes",
    "human_seconds",
    "list",
    "sorted",
    "len",
    "map",
    "quote",
}
_ACTIONS = ("hint", "next_command")
_MAX_DEPTH = 6
_MAX_TEXTS = 12
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


class ErrorText(NamedTuple):
    """One place in the source that says what went wrong.

    Attributes:
        file: relative to the root of the sources.
        kind: the class or function that is called.
        messages: the templates that the message may be; none where only an action is given.
        hints, commands: those of the hint and of the next command.
    """

    file: str
    kind: str
    messages: tuple[str, ...]
    hints: tuple[str, ...]
    commands: tuple[str, ...]


def tree() -> dict[str, type[NbrucioError]]:
    """The classes of the tree of errors, by name."""
    kinds = (kind for kind in vars(errors).values() if isinstance(kind, type))
    return {kind.__name__: kind for kind in kinds if issubclass(kind, NbrucioError)}


def error_texts(root: Path, folders: Iterable[str]) -> Iterator[ErrorText]:
    """The texts of every module below ``folders`` of ``root``, in the order of the files and of their lines."""
    files = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    modules = [ast.parse(path.read_text("utf-8")) for path in files]
    makers, signatures = _makers(modules), _signatures(modules)
    for path, module in zip(files, modules, strict=True):
        yield from _Reader(path.relative_to(root).as_posix(), module, makers, signatures).texts()


def _makers(modules: Iterable[ast.Module]) -> set[str]:
    """Classes of exceptions, and functions that return or raise one."""
    nodes = [node for module in modules for node in ast.walk(module)]
    found = {*tree(), *_BUILT_IN}
    for node in nodes:
        if isinstance(node, ast.ClassDef) and {_name(base) for base in node.bases} & (found | {"Exception"}):
            found.add(node.name)
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.returns is not None]
    return found | {node.name for node in functions if _names(node.returns) & found}


def _signatures(modules: Iterable[ast.Module]) -> dict[str, list[str]]:
    """The names of the parameters of each function, and of each class with an ``__init__``."""
    found: dict[str, list[str]] = {}
    for node in (node for module in modules for node in ast.walk(module)):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            found[node.name] = _parameter_names(node)
        if isinstance(node, ast.ClassDef):
            made = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
            if made:
                found[node.name] = _parameter_names(made[0])
    return found


def _parameter_names(function: ast.FunctionDef) -> list[str]:
    return [each.arg for each in function.args.args if each.arg not in ("self", "cls")]


class _Scope(NamedTuple):
    """What names mean inside a function: its assignments, and its parameters as a caller gives them."""

    assigned: Mapping[str, list[ast.expr]] = MappingProxyType({})
    given: Mapping[str, tuple[ast.expr, _Scope]] = MappingProxyType({})

    def values(self, name: str) -> list[tuple[ast.expr, _Scope]]:
        """The values that ``name`` may have, each with the scope in which to read it."""
        values = [(value, self) for value in self.assigned.get(name, ())]
        return [*values, self.given[name]] if name in self.given else values


class _Reader:
    def __init__(
        self, file: str, module: ast.Module, makers: set[str], signatures: Mapping[str, Sequence[str]]
    ) -> None:
        self._file = file
        self._module = module
        self._sayers = makers | _NOTICES
        self._signatures = signatures
        self._functions = {node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
        self._globals = _Scope(_assignments(module.body))

    def texts(self) -> Iterator[ErrorText]:
        for scope, call in _calls(self._module, _Scope()):
            kind = self._kind(call.func, scope)
            if kind is None:
                continue
            names = self._signatures.get(_name(call.func), ())
            named = [*zip_longest(names, call.args), *((word.arg, word.value) for word in call.keywords)]
            given = {name: value for name, value in named if name in ("message", "hint", "next_command")}
            said = [value for name, value in named[: max(len(names), len(call.args))] if name not in _ACTIONS]
            messages = [text for text in self._said([*said, given.get("message")], scope) if " " in _literal(text)]
            hints, commands = (self._said([given.get(key)], scope) for key in _ACTIONS)
            if messages or hints or commands:
                yield ErrorText(self._file, kind, tuple(messages), hints, commands)

    def _kind(self, function: ast.expr, scope: _Scope, depth: int = 0) -> str | None:
        """The name of an exception or of what makes one, also where a variable or a call supplies the class."""
        if isinstance(function, ast.Call):
            name = _name(function.func)
            if name == "kind_of":
                return f"NoSpace or {_name(function.args[1])}"
            return name if name in self._sayers or name == "type" else None
        if _name(function) in self._sayers:
            return _name(function)
        others = self._alternatives(function, scope) if depth < _MAX_DEPTH else []
        kinds = [self._kind(other, there, depth + 1) for other, there in others if not isinstance(other, ast.Call)]
        return " or ".join(kind for kind in kinds if kind) or None

    def _said(self, values: Iterable[ast.expr | None], scope: _Scope) -> tuple[str, ...]:
        """The texts of ``values`` that have words of their own."""
        found = (text for value in values if value is not None for text in self._texts(value, scope))
        return tuple(dict.fromkeys(text for text in found if _literal(text)))

    def _texts(self, node: ast.expr, scope: _Scope, depth: int = 0) -> list[str]:
        """What ``node`` may say."""
        if isinstance(node, ast.Constant):
            return [] if node.value is None else [str(node.value)]
        if isinstance(node, ast.JoinedStr):
            pieces = [piece.value if isinstance(piece, ast.FormattedValue) else piece for piece in node.values]
            return self._joined(pieces, scope, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._joined([node.left, node.right], scope, depth)
        others = self._alternatives(node, scope) if depth < _MAX_DEPTH else []
        texts = [text for other, there in others for text in self._texts(other, there, depth + 1)]
        return texts if any(" " in _PLACEHOLDER.sub("", text) for text in texts) else [f"{{{_short(node)}}}"]

    def _joined(self, pieces: Iterable[ast.expr], scope: _Scope, depth: int) -> list[str]:
        choices = product(*(self._texts(piece, scope, depth) for piece in pieces))
        return ["".join(choice) for choice in islice(choices, _MAX_TEXTS)]

    def _alternatives(self, node: ast.expr, scope: _Scope) -> list[tuple[ast.expr, _Scope]]:
        """What the value of ``node`` may be."""
        if isinstance(node, ast.IfExp):
            return [(node.body, scope), (node.orelse, scope)]
        if isinstance(node, ast.BoolOp):
            return [(value, scope) for value in node.values]
        if isinstance(node, ast.Name):
            return scope.values(node.id) or self._globals.values(node.id)
        if isinstance(node, ast.Call) and _is_local(node.func) and _name(node.func) in self._functions:
            function = self._functions[_name(node.func)]
            inner = _Scope(_assignments(ast.walk(function)), _parameters(function, node, scope))
            return [(each.value, inner) for each in ast.walk(function) if isinstance(each, ast.Return) and each.value]
        if isinstance(node, ast.Subscript):
            found = self._alternatives(node.value, scope)
            index = node.slice.value if isinstance(node.slice, ast.Constant) else None
            rows = [(row.elts[index], at) for row, at in found if isinstance(row, ast.Tuple) and isinstance(index, int)]
            return rows + [(value, at) for table, at in found if isinstance(table, ast.Dict) for value in table.values]
        return []


def _parameters(function: ast.FunctionDef, call: ast.Call, scope: _Scope) -> dict[str, tuple[ast.expr, _Scope]]:
    given = [
        *zip(_parameter_names(function), call.args, strict=False),
        *((word.arg, word.value) for word in call.keywords),
    ]
    return {name: (value, scope) for name, value in given if name is not None}


def _literal(text: str) -> str:
    """What of a template is not put in by the code."""
    return _PLACEHOLDER.sub("", text).strip()


def _calls(node: ast.AST, scope: _Scope) -> Iterator[tuple[_Scope, ast.Call]]:
    """The calls below ``node``, each with the assignments of its function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield scope, child
        is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
        yield from _calls(child, _Scope(_assignments(ast.walk(child))) if is_function else scope)


def _assignments(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name, value in _pairs(target, node.value):
                    found[name].append(value)
    return dict(found)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from _pairs(one, other)
    elif isinstance(target, ast.Tuple):  # of a table whose rows are tuples
        for index, one in enumerate(target.elts):
            yield from _pairs(one, ast.Subscript(value, ast.Constant(index)))


def _short(node: ast.expr) -> str:
    """A name for what ``node`` puts into a text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_short(node.value)}.{node.attr}".removeprefix("self.").removeprefix("_")
    if isinstance(node, ast.Subscript):
        return _short(node.value)
    if isinstance(node, (ast.BoolOp, ast.IfExp)):
        return _short(node.values[0] if isinstance(node, ast.BoolOp) else node.body)
    if isinstance(node, ast.Call):
        method = isinstance(node.func, ast.Attribute) and not _is_local(node.func) and node.func.attr != "join"
        inner = node.func.value if method and isinstance(node.func, ast.Attribute) else next(iter(node.args), None)
        if inner is not None and (method or _name(node.func) in _SHOWN_BY | {"join", "plural"}):
            return _short(inner)
        return _name(node.func)
    return "…"


def _is_local(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) or (isinstance(function, ast.Attribute) and _name(function.value) == "self")


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _names(node: ast.AST | None) -> set[str]:
    parts = () if node is None else ast.walk(node)
    return {_name(part) for part in parts if isinstance(part, (ast.Name, ast.Attribute))}
