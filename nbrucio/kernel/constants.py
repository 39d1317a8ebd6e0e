"""The texts that names and expressions in code stand for, as far as constants decide them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from itertools import product

#: A combination of constants with more results than this counts as dynamic.
MAX_STRINGS = 1000


class Names:
    """The meaning of names, from the code read so far.

    Args:
        modules: names bound to ``nbrucio``.
        datas: names bound to ``nbrucio.data``.
        look_up: the value of any other name, for example from the kernel; None when unknown.
    """

    def __init__(
        self,
        modules: Iterable[str] = (),
        datas: Iterable[str] = (),
        look_up: Callable[[str], object] = lambda _name: None,
    ) -> None:
        self.modules = set(modules)
        self.datas = set(datas)
        self.strings: dict[str, tuple[str, ...] | None] = {}
        self.needs: dict[str, set[str]] = {}  # of an unknown name: the names that its value depends on
        self.look_up = look_up

    def known(self) -> set[str]:
        """The names of ``nbrucio`` and its ``data``."""
        return self.modules | self.datas

    def strings_of(self, name: str) -> tuple[str, ...] | None:
        """The texts that ``name`` may stand for, or None."""
        if name in self.strings:
            return self.strings[name]
        value = self.look_up(name)
        if isinstance(value, str):
            return (value,)
        if isinstance(value, (list, tuple)) and 0 < len(value) <= MAX_STRINGS:
            return tuple(value) if all(isinstance(item, str) for item in value) else None
        return None

    def texts(self, node: ast.expr, unknown: set[str]) -> tuple[str, ...] | None:
        """The texts that ``node`` may evaluate to; a list of texts gives them all. None when unknown.

        Names without a known value are added to ``unknown``.
        """
        if isinstance(node, ast.Constant):
            return (node.value,) if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            strings = self.strings_of(node.id)
            if strings is None:
                unknown |= self.needs.get(node.id, {node.id})
            return strings
        if isinstance(node, ast.FormattedValue):
            plain = node.conversion == -1 and node.format_spec is None
            return self.texts(node.value, unknown) if plain else None
        if isinstance(node, ast.JoinedStr):
            return self._joined(node.values, unknown)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._joined([node.left, node.right], unknown)
        if isinstance(node, ast.IfExp):
            return self._united([node.body, node.orelse], unknown)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return self._united(node.elts, unknown)
        return None

    def _each(self, nodes: Iterable[ast.expr], unknown: set[str]) -> list[tuple[str, ...]] | None:
        parts = [self.texts(node, unknown) for node in nodes]
        known = [part for part in parts if part is not None]
        return known if len(known) == len(parts) else None

    def _joined(self, nodes: Iterable[ast.expr], unknown: set[str]) -> tuple[str, ...] | None:
        parts = self._each(nodes, unknown)
        count = 1
        for part in parts or ():
            count *= len(part)
        if parts is None or count > MAX_STRINGS:
            return None
        return tuple("".join(pieces) for pieces in product(*parts))

    def _united(self, nodes: Iterable[ast.expr], unknown: set[str]) -> tuple[str, ...] | None:
        parts = self._each(nodes, unknown)
        return None if parts is None else tuple(text for part in parts for text in part)
