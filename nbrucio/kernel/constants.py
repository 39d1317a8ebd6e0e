"""Evaluates constant expressions in code without running it.

A `Value` lists all possible values of an expression: a text, a number, or the contents of lists, dicts and classes. The
work is limited for any code: by the number of contents, the length of texts, and the total of all contents.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from itertools import product

from .formats import added, formatted, percent, str_format
from .values import (
    MAX_CONTENTS,
    MAX_DEPTH,
    MAX_TEXT_CHARS,
    Scalar,
    Value,
    collected,
    either,
    inner_of,
    is_list,
    joined_lists,
    keys_of,
    value_of,
)

#: Contents that one reading makes at most; further expressions are unknown.
MAX_WORK = 100_000


class Evaluator(ast.NodeVisitor):
    """Evaluates expressions of one reading.

    Args:
        meaning: the value of a name; None when unknown. It records unknown names if necessary.
        work: contents that may be made.
    """

    def __init__(self, meaning: Callable[[str], Value | None], work: int = MAX_WORK) -> None:
        self._meaning = meaning
        self.work = work

    def value(self, node: ast.AST | None) -> Value | None:
        """Return the possible values of ``node``; None when unknown."""
        found: Value | None = self.visit(node) if node is not None and self.work > 0 else None
        self.work -= 1 if found is None else 1 + len(found.contents)
        return found

    def items(self, node: ast.AST) -> Value | None:
        """Return the possible items of a loop over ``node``: the contents of a list, the keys of a dict."""
        called = _method(node)
        if called is not None and called[1] in ("values", "keys"):
            container = self.value(called[0])
            return None if container is None else keys_of(container) if called[1] == "keys" else inner_of(container)
        value = self.value(node)
        if value is None:
            return None
        return inner_of(value) if is_list(value) else keys_of(value) or inner_of(value)

    def columns(self, node: ast.AST) -> tuple[Value | None, ...]:
        """Return the possible items for the targets of a loop over ``x.items()``, ``enumerate(x)`` or ``zip(x, y)``."""
        called = _method(node)
        if called is not None and called[1] == "items":
            container = self.value(called[0])
            return () if container is None else (keys_of(container), inner_of(container))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            if node.func.id == "enumerate":
                return (None, self.items(node.args[0]))
            if node.func.id == "zip":
                return tuple(self.items(argument) for argument in node.args)
        return ()

    # One method for each kind of expression.

    def generic_visit(self, node: ast.AST) -> None:
        """Any other expression is unknown."""

    def visit_Constant(self, node: ast.Constant) -> Value | None:
        return value_of(node.value)

    def visit_Name(self, node: ast.Name) -> Value | None:
        return self._meaning(node.id)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Value | None:
        return self._combined(node.values, lambda parts: "".join(map(str, parts)))

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Value | None:
        if node.conversion != -1:
            return None
        if node.format_spec is None:
            return self.value(node.value)
        return self._combined([node.value, node.format_spec], lambda parts: formatted(parts[0], str(parts[1])))

    def visit_BinOp(self, node: ast.BinOp) -> Value | None:
        if isinstance(node.op, ast.Add):
            left, right = self.value(node.left), self.value(node.right)
            if left is not None and right is not None and is_list(left) and is_list(right):
                return joined_lists([left, right])
            return self._product([left, right], added)
        if isinstance(node.op, ast.Mod):
            right_parts = list(node.right.elts) if isinstance(node.right, ast.Tuple) else [node.right]
            return self._combined([node.left, *right_parts], lambda parts: percent(parts[0], tuple(parts[1:])))
        return None

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Value | None:
        negative = isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)
        number = node.operand.value if negative and isinstance(node.operand, ast.Constant) else None
        return value_of(-number) if isinstance(number, (int, float)) else None

    def visit_IfExp(self, node: ast.IfExp) -> Value | None:
        return either(self.value(node.body), self.value(node.orelse))

    def visit_List(self, node: ast.List | ast.Tuple | ast.Set) -> Value | None:
        if len(node.elts) > MAX_CONTENTS:
            return None
        parts: list[tuple[tuple[bool, Scalar], Value | None]] = []
        for element in node.elts:
            if isinstance(element, ast.Starred):
                inner = self.value(element.value)
                if inner is None or not is_list(inner):
                    return None
                parts += [
                    ((False, len(parts) + n), Value(((path[1:], scalar),), inner.derived))
                    for n, (path, scalar) in enumerate(inner.contents)
                ]
            else:
                parts.append(((False, len(parts)), self.value(element)))
            if parts and parts[-1][1] is None:
                return None
        return collected(parts)

    visit_Tuple = visit_Set = visit_List  # noqa: N815 - the names of the methods are ast's

    def visit_Dict(self, node: ast.Dict) -> Value | None:
        if len(node.keys) > MAX_CONTENTS:
            return None
        parts: list[tuple[tuple[bool, Scalar], Value | None]] = []
        for key, item in zip(node.keys, node.values):  # noqa: B905 - Python 3.9 knows no strict
            known = self.value(key)
            # A value other than a text, such as a function, is not data, but its key may be.
            value = self.value(item) or Value((((), ""),))
            if known is None or len(known.contents) != 1 or known.contents[0][0]:
                return None
            parts.append(((True, known.contents[0][1]), value))
        return collected(parts)

    def visit_Subscript(self, node: ast.Subscript) -> Value | None:
        container = self.value(node.value)
        if container is None or any(not path for path, _ in container.contents):
            return None
        key = self.value(node.slice)
        wanted = {scalar for path, scalar in key.contents if not path} if key is not None and not key.derived else None
        if wanted is not None and -1 in wanted and is_list(container):
            wanted = {container.contents[-1][0][0][1]}
        found = [each for each in container.contents if wanted is None or each[0][0][1] in wanted]
        of_list = wanted is not None and is_list(container) and not container.derived
        return Value(tuple((path[1:], scalar) for path, scalar in found), not of_list) if found else None

    def visit_Attribute(self, node: ast.Attribute) -> Value | None:
        owner = self.value(node.value)
        if owner is None:
            return None
        found = [(path[1:], scalar) for path, scalar in owner.contents if path and path[0] == (True, node.attr)]
        return Value(tuple(found), True) if found else None

    def visit_Call(self, node: ast.Call) -> Value | None:
        called = _method(node)
        if called is not None:
            return self._method_call(*called, node)
        if not isinstance(node.func, ast.Name):
            return None
        name, arguments = node.func.id, node.args
        if name in ("list", "tuple", "sorted", "set", "reversed") and len(arguments) == 1:
            return self.items_as_list(arguments[0])
        if name == "dict" and not arguments:
            return collected([((True, word.arg), self.value(word.value)) for word in node.keywords if word.arg])
        if name == "range":
            return self._range(arguments)
        return self._combined(arguments, lambda parts: str(parts[0])) if name == "str" and len(arguments) == 1 else None

    def items_as_list(self, node: ast.AST) -> Value | None:
        """Return ``list(node)``."""
        items = self.items(node)
        if items is None:
            return None
        numbered = enumerate(items.contents)
        listed = tuple((((False, number), *path)[:MAX_DEPTH], scalar) for number, (path, scalar) in numbered)
        return Value(listed, items.derived)

    def _method_call(self, owner: ast.expr, name: str, node: ast.Call) -> Value | None:
        if name == "format" and all(word.arg for word in node.keywords):
            words = [str(word.arg) for word in node.keywords]
            values = [*node.args, *(word.value for word in node.keywords)]
            return self._combined([owner, *values], lambda parts: str_format(parts[0], parts[1:], words))
        if name in ("split", "splitlines") and not node.args and not node.keywords:
            # Longer than one DID may be: many notebooks list their data in one text.
            text = owner.value if isinstance(owner, ast.Constant) else None
            if isinstance(text, str) and len(text) <= MAX_CONTENTS * 100:
                lines = text.split() if name == "split" else text.splitlines()
                return value_of([line for line in lines if line.strip()])
        return None

    def _range(self, arguments: Sequence[ast.expr]) -> Value | None:
        values = [self.value(argument) for argument in arguments]
        numbers = [value.contents[0][1] for value in values if value is not None and len(value.contents) == 1]
        whole = [number for number in numbers if isinstance(number, int)]
        if len(whole) != len(arguments) or not 1 <= len(whole) <= 3 or whole[2:] == [0]:
            return None
        counted = range(*whole)
        return value_of(list(counted)) if 0 < len(counted) <= MAX_CONTENTS else None

    # Combinations.

    def _combined(self, nodes: Sequence[ast.AST], combine: Callable[[Sequence[Scalar]], Scalar | None]) -> Value | None:
        return self._product([self.value(node) for node in nodes], combine)

    def _product(
        self, values: Sequence[Value | None], combine: Callable[[Sequence[Scalar]], Scalar | None]
    ) -> Value | None:
        known = [value for value in values if value is not None]
        count = 1
        for value in known:
            count *= len(value.contents)
            if count > MAX_CONTENTS or any(path for path, _ in value.contents):
                return None
        if len(known) < len(values):
            return None
        made = [combine(parts) for parts in product(*(value.scalars() for value in known))]
        self.work -= count
        results = tuple(((), one) for one in made if one is not None and len(str(one)) <= MAX_TEXT_CHARS)
        return Value(results, any(value.derived for value in known)) if len(results) == len(made) else None


def _method(node: ast.AST) -> tuple[ast.expr, str] | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.value, node.func.attr
    return None
