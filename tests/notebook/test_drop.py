"""A DID that is dropped anywhere into a cell: valid code stays valid."""

from __future__ import annotations

import ast

import pytest

from nbrucio.core.did import Did
from nbrucio.notebook.cell_syntax import plain_python
from nbrucio.notebook.drop import dropped

DID = Did.parse("s:d.1")
CODE = 'nbrucio.data("s:d.1")'


def drop(marked: str, cell: str = "code", language: str = "python") -> str:
    """The cell after a drop at ``|``."""
    before, after = marked.split("|")
    return dropped(before + after, len(before), DID, cell, language).into(before + after)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("|", CODE),
        ("x = 1\n|", f"x = 1\n{CODE}"),
        ("x = |", f"x = {CODE}"),
        ("x =|", f"x ={CODE}"),
        ("x = |\ny = 2", f"x = {CODE}\ny = 2"),
        ("f(|)", f"f({CODE})"),
        ("f(x, |)", f"f(x, {CODE})"),
        ("f(x=|)", f"f(x={CODE})"),
        ("f(\n    |\n)", f"f(\n    {CODE}\n)"),
        ("with open(|[0]) as f:\n    pass", f"with open([0]) as f:\n    {CODE}\n    pass"),
        ("for file in |:\n    print(file)", f"for file in {CODE}:\n    print(file)"),
        ("x = [f for f in |]", f"x = [f for f in {CODE}]"),
        ("def f():\n    return|", f"def f():\n    return {CODE}"),
        ("a; |", f"a; {CODE}"),
        ("x = {'a': |}", f"x = {{'a': {CODE}}}"),
        # No place for an expression: a statement below.
        ("pri|nt(x)\ny = 2", f"print(x)\n{CODE}\ny = 2"),
        ("print(x)|", f"print(x)\n{CODE}"),
        ("print(x)  # why|\ny", "print(x)  # whys:d.1\ny"),
        ("|x = 1", f"x = 1\n{CODE}"),
        ("x = |1", f"x = 1\n{CODE}"),
        ("f(a=1, |)", f"f(a=1, )\n{CODE}"),
        ("x = {'a': 1, |}", f"x = {{'a': 1, }}\n{CODE}"),
        ("f(\n  a|,\n  b,\n)\nlast", f"f(\n  a,\n  b,\n)\n{CODE}\nlast"),
        ("def f(|):\n    return 1", f"def f():\n    {CODE}\n    return 1"),
        ("if x:|\n    y", f"if x:\n    {CODE}\n    y"),
        ("if x:\n  y|\nelse:\n  z", f"if x:\n  y\n  {CODE}\nelse:\n  z"),
        ("if x:\n  y\n|\nelse:\n  z", f"if x:\n  y\n  {CODE}\nelse:\n  z"),
        ("def f():\n    x\n|\n    y", f"def f():\n    x\n    {CODE}\n    y"),
        ("@deco|\ndef f():\n    pass", f"@deco\ndef f():\n    pass\n{CODE}"),
        ("import |os", f"import os\n{CODE}"),
        ("print(x)  |# why", f"print(x)  # why\n{CODE}"),
        # Inside a string, a comment, a format.
        ("f('|')", "f('s:d.1')"),
        ('f("scope |name")', 'f("scope s:d.1name")'),
        ("x = '''a\n|\nb'''", "x = '''a\ns:d.1\nb'''"),
        ("f'{|}'", "f'{nbrucio.data(\"s:d.1\")}'"),
        ("f'a | {x} b'", "f'a s:d.1 {x} b'"),
        ("f'{{|}}'", "f'{{s:d.1}}'"),
        ("f|'a'", f"f'a'\n{CODE}"),
        ("# see |", "# see s:d.1"),
        ("x  # see |this", "x  # see s:d.1this"),
        # IPython's own lines.
        ("!ls |", "!ls s:d.1"),
        ("x = !ls |", "x = !ls s:d.1"),
        ("%nbrucio add |", "%nbrucio add s:d.1"),
        ("%time f(|)", f"%time f({CODE})"),
        ("%time |", f"%time {CODE}"),
        ("%%bash\nrucio download |", "%%bash\nrucio download s:d.1"),
        ("%%time\nf(|)", f"%%time\nf({CODE})"),
        ("%%time |\nf()", "%%time s:d.1\nf()"),
        ("if x:\n    %matplotlib inline\n|", f"if x:\n    %matplotlib inline\n{CODE}"),
        # Code that is not finished.
        ("f(|", f"f({CODE}"),
        ("x = = 1\nf(|)", f"x = = 1\nf({CODE})"),
        ("x = = 1\nf(y|)", f"x = = 1\nf(y)\n{CODE}"),
        ("x = '|", "x = 's:d.1"),
    ],
)
def test_in_code(marked: str, expected: str) -> None:
    assert drop(marked) == expected


SAMPLE = '''
import os, sys
@property
def f(a, b=1, *args, c: int = 2, **kw):
    """A text
    of two lines"""
    if a and (b or c):
        return [x for x in args if x], {1: 2, "k": a[1:2]}
    elif not a: pass
    else:
        raise ValueError(f"{a!r} and {b:>10}") from None

    try:
        with open(a, 'r') as file, open(b) as other:
            yield from file  # lines
    except (OSError, ValueError) as error:
        x: int = -1; y = lambda q, r=2: q ** r
    finally:
        del x
class C(dict):
    a = b = (1,
             2)
%matplotlib inline
files = !ls -l
%time print(f(1,
  2))
'''


def test_at_every_place_of_valid_code_it_stays_valid() -> None:
    for offset in range(len(SAMPLE) + 1):
        after = dropped(SAMPLE, offset, DID).into(SAMPLE)
        assert "s:d.1" in after
        ast.parse(plain_python(after.replace("%time print(f(1,", "print(f(1,")))


@pytest.mark.parametrize(
    ("marked", "cell", "language", "expected"),
    [
        ("See |.", "markdown", "python", "See `s:d.1`."),
        ("See `|`.", "markdown", "python", "See `s:d.1`."),
        ("|", "raw", "python", "s:d.1"),
        ("x <- |", "code", "R", 'x <- "s:d.1"'),
    ],
)
def test_elsewhere(marked: str, cell: str, language: str, expected: str) -> None:
    assert drop(marked, cell, language) == expected
