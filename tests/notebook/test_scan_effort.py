"""The work of a save is limited, whatever a notebook's code is. Work is counted, not timed."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from nbrucio.kernel import constants, uses
from nbrucio.notebook import code_scan
from nbrucio.notebook.code_scan import SAVE, cell_size, scan


@dataclass
class Work:
    """What one scan did: sizes of the cells that it parsed, nodes that it visited, contents that it made."""

    parsed: int = 0
    nodes: int = 0
    contents: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    counted = Work()
    parse, visit, value = code_scan._parse, ast.NodeVisitor.visit, constants.Evaluator.value

    def parsing(source: str) -> ast.Module | None:
        counted.parsed += cell_size(source)
        return parse(source)

    def visiting(self: ast.NodeVisitor, node: ast.AST) -> object:
        counted.nodes += 1
        return visit(self, node)

    def evaluating(self: constants.Evaluator, node: ast.AST | None) -> object:
        found = value(self, node)
        counted.contents += 0 if found is None else len(found.contents)
        return found

    monkeypatch.setattr(code_scan, "_parse", parsing)
    monkeypatch.setattr(uses.UsesReader, "visit", visiting)
    monkeypatch.setattr(constants.Evaluator, "value", evaluating)
    code_scan._scan_python.cache_clear()
    code_scan._PARSED.clear()
    return counted


IMPORT = "import nbrucio\n"
HEAVY: dict[str, Callable[[], list[str]]] = {
    "an f-string of 50,000 fields": lambda: [IMPORT + "nbrucio.data(f'" + "{a}" * 50_000 + "')"],
    "f-strings of 100 fields": lambda: [IMPORT, *["nbrucio.data(f'" + "{a}" * 100 + f"') # {n}" for n in range(500)]],
    "deep nesting": lambda: [IMPORT, "nbrucio.data(" + "(" * 90 + "'a:b'" + ")" * 90 + ")"],
    "a long sum": lambda: [IMPORT, "nbrucio.data(" + "+".join(["'a'"] * 2_000) + ")"],
    "one huge literal": lambda: [IMPORT, "nbrucio.data('" + "a:b" * 100_000 + "')"],
    "a huge list": lambda: [IMPORT + "L = [" + "'a:b'," * 100_000 + "]\nnbrucio.data(L)"],
    "many cells": lambda: [IMPORT, *[f"nbrucio.data('a:b{n}')" for n in range(20_000)]],
    "many names": lambda: [
        IMPORT,
        *[f"nbrucio.data(a{n})" for n in range(5_000)],
        *[f"a{n} = 1" for n in range(5_000)],
    ],
    "names that depend on names": lambda: [
        IMPORT,
        *[f"x{n} = x{n + 1} + y{n}; nbrucio.data(x{n})" for n in range(500)],
    ],
    "lists of lists": lambda: [IMPORT + "a = " + repr(["a:b"] * 900) + "\n" + "a = [a]\n" * 500 + "nbrucio.data(a)"],
    "doubling lists": lambda: [IMPORT + "a = ['a:b']\n" + "a = a + a\n" * 300 + "nbrucio.data(a[0])"],
    "products": lambda: [
        IMPORT + "L = list('ab')\nfor a in range(30):\n for b in range(30):\n" + "  nbrucio.data(f'a:{a}{b}')\n" * 300
    ],
    "functions with many names": lambda: [
        IMPORT + "".join(f"a{n}=1\n" for n in range(400)) + "f = [" + "lambda b:0," * 400 + "]",
    ],
    "many targets": lambda: [IMPORT + "a = " * 1_500 + "['a:b'] * 900"],
    "empty lines": lambda: [IMPORT + "?" + "\n" * 190_000 + "nbrucio.data('a:b')"],
    "nested timers": lambda: [IMPORT, *["%time " * 30 + f"nbrucio.data('a:{n}')" for n in range(300)]],
}


@pytest.mark.parametrize("name", HEAVY)
def test_a_save_does_limited_work_on_any_code(name: str, work: Work) -> None:
    scan(HEAVY[name](), effort=SAVE)
    assert work.parsed <= SAVE.new
    assert work.nodes <= 3 * SAVE.read
    assert work.contents <= 8 * SAVE.values  # once for each round


def test_a_save_does_limited_work_on_code_of_any_shape(work: Work) -> None:
    chosen = random.Random(16)
    parts = [
        "L = L + L\n",
        "f'{a}{b}{L}'\n",
        "D[a] = L\n",
        "nbrucio.data(L)\n",
        "for a in L: nbrucio.data(a)\n",
        "a = b = L\n",
    ]
    for _ in range(20):
        work.__init__()  # type: ignore[misc]
        cells = ["".join(chosen.choices(parts, k=chosen.randrange(1, 200))) for _ in range(60)]
        scan([IMPORT + "L = ['a:b', 'c:d']\nD = {}\n", *cells], effort=SAVE)
        assert work.parsed <= SAVE.new
        assert work.nodes <= 3 * SAVE.read
        assert work.contents <= 8 * SAVE.values  # once for each round


@pytest.mark.usefixtures("work")
def test_the_next_saves_read_the_rest_of_new_code() -> None:
    cells = [IMPORT, *(f"nbrucio.data('a:{n}')  # " + "x" * 400 for n in range(24))]
    found = [len(scan(cells, effort=SAVE).dids) for _ in range(4)]
    assert found[0] < found[1] <= 24
    assert found[-1] == 24
    assert not scan(cells, effort=SAVE).dynamic


def test_a_cell_that_is_too_large_for_a_save_is_marked_and_read_by_a_check() -> None:
    cells = [IMPORT, "nbrucio.data('a:b')", "nbrucio.data('a:c')  # " + "x" * SAVE.cell]
    saved, checked = scan(cells, effort=SAVE), scan(cells)
    assert (list(map(str, saved.dids)), saved.unparsed) == (["a:b"], (2,))
    assert (list(map(str, checked.dids)), checked.unparsed) == (["a:b", "a:c"], ())
