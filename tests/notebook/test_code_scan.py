"""What a scan finds in code, and what it must not take for data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbrucio.notebook.code_scan import Scan, scan, scan_notebook
from nbrucio.notebook.ipynb import parse


@dataclass(frozen=True)
class Case:
    """Cells, and what they use: DIDs, handles, whether something stays dynamic, which cells do not parse, and the DIDs
    that they take out of loops, dicts and classes."""

    name: str
    cells: tuple[str, ...]
    dids: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    dynamic: bool = False
    unparsed: tuple[int, ...] = ()
    derived: tuple[str, ...] = ()


IMPORT = "import nbrucio"
CASES = [
    Case("a call with a literal", (IMPORT, "f = nbrucio.data('a:b')"), ("a:b",)),
    Case("the did by keyword", (IMPORT, "nbrucio.data(did='a:b')"), ("a:b",)),
    Case("a handle", (IMPORT, "open(nbrucio.data['muons'].path)"), handles=("muons",)),
    Case("an alias of the module", ("import nbrucio as nr", "nr.data('a:b')"), ("a:b",)),
    Case("data imported", ("from nbrucio import data", "data('a:b'); data['h']"), ("a:b",), ("h",)),
    Case("data imported under a name", ("from nbrucio import data as d", "d('a:b')"), ("a:b",)),
    Case("data given a name", (IMPORT, "rd = nbrucio.data", "rd['h']"), handles=("h",)),
    Case("a constant of another cell", (IMPORT, "DS = 'a:b'", "nbrucio.data(DS)"), ("a:b",)),
    Case("a constant made of constants", (IMPORT, "S = 'a'", "D = S + ':b'", "nbrucio.data(D)"), ("a:b",)),
    Case("adjacent literals", (IMPORT, "nbrucio.data('a:'\n 'b')"), ("a:b",)),
    Case("an f-string of constants", (IMPORT, "S = 'a'\nnbrucio.data(f'{S}:b')"), ("a:b",)),
    Case("either of two", (IMPORT, "nbrucio.data('a:b' if big else 'a:c')"), ("a:b", "a:c")),
    Case("a loop over a list", (IMPORT, "for d in ['a:b', 'a:c']:\n    nbrucio.data(d)"), derived=("a:b", "a:c")),
    Case("a comprehension", (IMPORT, "x = [nbrucio.data(d) for d in ('a:b', 'a:c')]"), derived=("a:b", "a:c")),
    Case("a loop over a named list", (IMPORT, "L = ['a:b']", "[nbrucio.data(d) for d in L]"), derived=("a:b",)),
    Case("a rebound constant", (IMPORT, "D = 'a:b'\nnbrucio.data(D)\nD = 'a:c'\nnbrucio.data(D)"), ("a:b", "a:c")),
    Case("a constant set in a branch", (IMPORT, "D='a:b'\nif x:\n  D='a:c'\nnbrucio.data(D)"), ("a:b", "a:c")),
    Case("a call inside of others", (IMPORT, "ROOT.RDataFrame('t', list(nbrucio.data('a:b')))"), ("a:b",)),
    Case("code that is not reached", (IMPORT, "if False:\n    nbrucio.data('a:b')"), ("a:b",)),
    Case("top-level await", (IMPORT, "await f(nbrucio.data('a:b'))"), ("a:b",)),
    Case("a line magic", ("%rucio a:b",), ("a:b",)),
    Case("an assigned line magic", ("files = %rucio a:b  # muons",), ("a:b",)),
    Case("a cell magic", ("%%rucio\na:b\n# no\na:c",), ("a:b", "a:c")),
    Case("a timed cell", (IMPORT, "%%time\nnbrucio.data('a:b')"), ("a:b",)),
    Case("a timed line", (IMPORT, "%time nbrucio.data('a:b')"), ("a:b",)),
    Case("beside other magics", (IMPORT, "%matplotlib inline\n!ls\nx?\ny = !ls\nnbrucio.data('a:b')"), ("a:b",)),
    Case("an argument that is computed", (IMPORT, "nbrucio.data(f'{scope()}:b')"), dynamic=True),
    Case("an argument of a function", (IMPORT, "D = 'a:b'\ndef f(D):\n    return nbrucio.data(D)"), dynamic=True),
    Case("data handed on", (IMPORT, "use(nbrucio.data)"), dynamic=True),
    Case("a constant nobody sets", (IMPORT, "nbrucio.data(DS)"), dynamic=True),
    Case("a constant that becomes unknown", (IMPORT, "D = 'a:b'\nD = f()\nnbrucio.data(D)"), dynamic=True),
    Case("a loop over what is computed", (IMPORT, "for d in names():\n    nbrucio.data(d)"), dynamic=True),
    Case(
        "a cell that does not parse", (IMPORT, "nbrucio.data('a:b'", "nbrucio.data('a:c')"), ("a:c",), (), False, (1,)
    ),
    Case("a broken cell about something else", (IMPORT, "for (", "nbrucio.data('a:c')"), ("a:c",)),
    Case("a comment", (IMPORT, "# nbrucio.data('a:b')")),
    Case("a docstring", (IMPORT, "'''nbrucio.data('a:b')'''")),
    Case("texts that look like DIDs", (IMPORT, "t = '12:30'; os.path('x:y'); other.data('a:b')")),
    Case("another library's data", ("from torch import data", "data('a:b'); data['h'] # rucio")),
    Case("a name that means something else now", ("from nbrucio import data", "data = {}", "data['h']")),
    Case("a shell cell", (IMPORT, "%%bash\nrucio download a:b")),
    Case("a shell line", (IMPORT, "!rucio download a:b")),
    Case("what is no DID", (IMPORT, "nbrucio.data('nocolon'); nbrucio.data(' :x')")),
    Case("a number", (IMPORT, "nbrucio.data(3)"), dynamic=True),
    Case("no code at all", ()),
    Case("an f-string with a number", (IMPORT, "Y = 2018\nnbrucio.data(f'a:run{Y}_{3:03d}')"), ("a:run2018_003",)),
    Case("a text that is formatted", (IMPORT, "nbrucio.data('{}:{n:>03}.{0}'.format('a', n=7))"), ("a:007.a",)),
    Case(
        "a text with percent signs",
        (IMPORT, "nbrucio.data('%s:%02d' % ('a', 7)); nbrucio.data('b:%d' % 1)"),
        ("a:07", "b:1"),
    ),
    Case(
        "an item of a list",
        (IMPORT, "L = ['a:b', 'a:c', 'a:d']\nnbrucio.data(L[0])\nnbrucio.data(L[-1])"),
        ("a:b", "a:d"),
    ),
    Case("a sum of lists", (IMPORT, "L = ['a:b'] + ['a:c']\nM = [*L, 'a:d']", "nbrucio.data(M[2])"), ("a:d",)),
    Case("several targets", (IMPORT, "A, B = 'a:b', 'a:c'", "nbrucio.data(B)"), ("a:c",)),
    Case("several unknown targets", (IMPORT, "A = 'a:b'\nA, B = f()\nnbrucio.data(A)"), dynamic=True),
    Case("a dict", (IMPORT, "D = {'x': 'a:b', 'y': 'a:c'}", "nbrucio.data(D['y'])"), derived=("a:c",)),
    Case("any item of a dict", (IMPORT, "D = {'x': 'a:b', 'y': 'a:c'}\nnbrucio.data(D[k])"), derived=("a:b", "a:c")),
    Case("a loop over a dict", (IMPORT, "for k, v in {'x': 'a:b'}.items():\n  nbrucio.data(v)"), derived=("a:b",)),
    Case("the keys of a dict", (IMPORT, "for k in {'a:b': {'xsec': 1.5}}:\n  nbrucio.data(k)"), derived=("a:b",)),
    Case("a dict of dicts", (IMPORT, "D = {'x': {'did': 'a:b', 'n': 1}}\nnbrucio.data(D[s]['did'])"), derived=("a:b",)),
    Case(
        "a dict that grows",
        (IMPORT, "D = {}\nD['x'] = 'a:b'\nfor v in D.values():\n  nbrucio.data(v)"),
        derived=("a:b",),
    ),
    Case("a list that grows", (IMPORT, "L = []\nL.append('a:b')\nfor d in L:\n  nbrucio.data(d)"), derived=("a:b",)),
    Case("a loop over numbers", (IMPORT, "for i in range(2):\n  nbrucio.data(f'a:b{i}')"), derived=("a:b0", "a:b1")),
    Case("a numbered loop", (IMPORT, "for i, d in enumerate(['a:b']):\n  nbrucio.data(d)"), derived=("a:b",)),
    Case("two lists at once", (IMPORT, "for n, d in zip(['x'], ['a:b']):\n  nbrucio.data(d)"), derived=("a:b",)),
    Case("lines of a text", (IMPORT, "for d in 'a:b\\na:c'.splitlines():\n  nbrucio.data(d)"), derived=("a:b", "a:c")),
    Case(
        "a constant of a class", (IMPORT, "class C:\n  S = 'a'\n  D = S + ':b'", "nbrucio.data(C.D)"), derived=("a:b",)
    ),
    Case(
        "a name inside of a function",
        (IMPORT, "def f():\n  D = 'a:b'\n  nbrucio.data(D)\nnbrucio.data(D)"),
        ("a:b",),
        (),
        True,
    ),
    Case("a broken shell line", (IMPORT, "!ls \\\n  -l\nx = !ls \\\n -a\nnbrucio.data('a:b')"), ("a:b",)),
    Case(
        "a format that Python refuses",
        (IMPORT, "nbrucio.data('{:d}'.format('a')); nbrucio.data('%d' % 'a')"),
        dynamic=True,
    ),
    Case("a format of another object", (IMPORT, "nbrucio.data('{0.x}'.format('a'))"), dynamic=True),
    Case(
        "a text that doubles", (IMPORT, "T = 'a:' + 'b' * 3\n" + "T = T + T\n" * 60 + "nbrucio.data(T)"), dynamic=True
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_scan_finds_what_is_used_and_nothing_else(case: Case) -> None:
    found = scan(case.cells)
    assert (tuple(map(str, found.dids)), found.handles) == (case.dids, case.handles)
    assert (found.dynamic, found.unparsed) == (case.dynamic, case.unparsed)
    assert tuple(map(str, found.derived)) == case.derived


@pytest.mark.parametrize(
    ("language", "comment"), [("R", "# nbrucio: a:b"), ("C++17", "  // nbrucio: a:b"), ("julia", "x\n# nbrucio: a:b\n")]
)
def test_other_languages_name_data_in_comments(language: str, comment: str) -> None:
    found = scan([comment, "data('c:d')"], language)
    assert list(map(str, found.dids)) == ["a:b"]
    assert not found.complete  # their code reads the manifest by handle, which a scan does not see


def test_a_comment_names_no_data_in_python() -> None:
    assert scan(["# nbrucio: a:b"]).dids == ()


def test_only_code_cells_of_a_notebook_count() -> None:
    notebook = {
        "metadata": {"language_info": {"name": "python"}},
        "cells": [
            {"cell_type": "markdown", "source": "import nbrucio; nbrucio.data('a:no')"},
            {"cell_type": "code", "source": ["import nbrucio\n", "nbrucio.data('a:b')"]},
            {"cell_type": "code", "source": None},
            {"cell_type": "code"},
            None,
        ],
    }
    assert list(map(str, scan_notebook(notebook).dids)) == ["a:b"]


@pytest.mark.parametrize("content", [{}, {"cells": None}, {"cells": {}}, {"cells": [], "metadata": []}])
def test_a_malformed_notebook_uses_nothing(content: dict[str, object]) -> None:
    assert scan_notebook(content) == Scan()


@pytest.mark.parametrize(
    "source",
    ["nbrucio\0", "nbrucio" + "(" * 5000, "nbrucio\n" + "-" * 50_000 + "1", "nbrucio = " + "a" * 300_000 + "."],
)
def test_code_that_no_parser_takes_is_only_marked(source: str) -> None:
    assert scan([source]).unparsed == (0,)


def test_a_cell_without_nbrucio_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    monkeypatch.setattr("nbrucio.notebook.code_scan._parse", lambda source: parsed.append(source))
    scan(["import nbrucio # of this test", *(f"x = {n}" for n in range(300))])
    assert parsed == ["import nbrucio # of this test"]


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"language": "R"}, "language_info": {"name": "python"}}, "R"),
        ({"kernelspec": {"language": "python"}, "language_info": {"name": "R"}}, "python"),
        ({"kernelspec": {"name": "ir"}, "language_info": {"name": "R"}}, "R"),
        ({"kernelspec": [], "language_info": {"name": 3}}, None),
    ],
)
def test_check_and_save_hook_agree_on_the_language(metadata: dict[str, object], language: str | None) -> None:
    code = "# nbrucio: s:marked\nimport nbrucio\nnbrucio.data['s:used']\n"
    content = {"cells": [{"cell_type": "code", "source": code}], "metadata": metadata, "nbformat": 4}
    opened = parse(json.dumps(content).encode(), Path("nb.ipynb"))
    assert opened.language() == language
    assert scan_notebook(content) == scan(opened.code_cells(), language or "python")
