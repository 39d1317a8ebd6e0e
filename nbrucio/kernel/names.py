"""The meaning of names at each place in code, which is read from top to bottom."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Union

from .constants import MAX_WORK, Evaluator
from .values import Value, value_of

#: Unknown names that are noted for one name.
_MAX_NEEDS = 50


class NbrucioName:
    """A meaning that is not a value: ``nbrucio`` itself, or its ``data``."""


MODULE, DATA, _ABSENT = NbrucioName(), NbrucioName(), NbrucioName()
#: None stands for something unknown.
Meaning = Union[Value, NbrucioName, None]  # noqa: UP007 - evaluated at import, and kernels may run Python 3.9


class Names:
    """The meaning of names, from the code read so far.

    Args:
        modules: names bound to ``nbrucio``.
        datas: names bound to ``nbrucio.data``.
        look_up: the value of any other name, for example from the kernel; None when unknown.
        work: see `Evaluator`.
    """

    def __init__(
        self,
        modules: Iterable[str] = (),
        datas: Iterable[str] = (),
        look_up: Callable[[str], object] = lambda _name: None,
        work: int = MAX_WORK,
    ) -> None:
        self._look_up = look_up
        self._meanings: dict[str, Meaning] = {**dict.fromkeys(modules, MODULE), **dict.fromkeys(datas, DATA)}
        self._needs: dict[str, frozenset[str]] = {}  # of an unknown name: the names that its value depends on
        self._known = set(self._meanings)
        self._journal: dict[str, Meaning] | None = None  # of names bound in the present block: what they meant before
        self._unknown: set[str] = set()
        self.evaluator = Evaluator(self._value, work)

    def known(self) -> set[str]:
        """Return all names that ever meant ``nbrucio`` or its ``data``."""
        return self._known

    def bind(self, name: str, meaning: Meaning, needs: frozenset[str] = frozenset()) -> None:
        """Set the meaning of ``name``; None means an unknown one, which depends on the names ``needs``."""
        if self._journal is not None:
            self._journal.setdefault(name, self._meanings.get(name, _ABSENT))
        if isinstance(meaning, NbrucioName):
            self._known.add(name)
        elif meaning is not None:
            self.evaluator.work -= len(meaning.contents)
        self._meanings[name] = meaning
        self._needs[name] = needs

    def means(self, name: str) -> Meaning:
        """Return the present meaning of ``name``."""
        return self._meanings.get(name)

    def is_bound(self, name: str) -> bool:
        """Whether the code so far binds ``name``, also to something unknown."""
        return name in self._meanings

    def evaluated(self, node: ast.AST, *, items: bool = False) -> tuple[Value | None, frozenset[str]]:
        """Return the value of ``node``, or of the items of a loop over it, and the unknown names in it."""
        self._unknown = set()
        found = self.evaluator.items(node) if items else self.evaluator.value(node)
        return found, frozenset(self._unknown)

    def enter(self) -> dict[str, Meaning] | None:
        """Begin a block with names of its own. Returns the argument of `leave`."""
        outer, self._journal = self._journal, {}
        return outer

    def leave(self, outer: dict[str, Meaning] | None) -> dict[str, Meaning]:
        """End that block. Returns the names that it bound, with their last meaning."""
        before, self._journal = self._journal or {}, outer
        bound = {name: self._meanings.get(name) for name in before}
        for name, meaning in before.items():
            if meaning is _ABSENT:
                del self._meanings[name]
            else:
                self._meanings[name] = meaning
        return bound

    def _value(self, name: str) -> Value | None:
        meaning = self._meanings[name] if name in self._meanings else value_of(self._look_up(name))
        if isinstance(meaning, Value):
            return meaning
        if len(self._unknown) < _MAX_NEEDS:
            self._unknown |= self._needs.get(name) or {name}
        return None
