"""Notebooks in the shapes that public ones have: nbformat 4.0 to 4.5, written by many programs in many styles.

A writer of our own makes the text, because the standard library's cannot repeat keys, keep the spelling of a number or
write half of a surrogate pair.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Raw:
    """A JSON value in a given spelling."""

    text: str


#: An object as pairs, so that a key can be repeated.
Pairs = list[tuple[str, object]]


@dataclass(frozen=True)
class Style:
    """How a program writes JSON.

    Attributes:
        indent: of one level; None for a single line.
        item, colon: separators.
        newline: line end.
        escapes: whether letters outside of ASCII are escaped.
        bom, last_newline: at the beginning and the end of the file.
    """

    indent: str | None
    item: str
    colon: str
    newline: str
    escapes: bool
    bom: bool
    last_newline: bool


def shapes(count: int, seed: int = 16) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of ``count`` notebooks; the same ones for the same seed."""
    for number in range(count):
        chosen = random.Random(seed * 100_003 + number)
        style = _style(chosen)
        text = _written(_notebook(chosen), style, 0)
        text = ("\ufeff" if style.bom else "") + text + (style.newline if style.last_newline else "")
        yield f"{number:03}", text.encode("utf-8")


def _style(chosen: random.Random) -> Style:
    indent = chosen.choice([" ", " ", " ", "  ", "    ", "\t", None, None])
    minified = indent is None and chosen.random() < 0.5
    return Style(
        indent,
        "," if minified or indent is not None else ", ",
        ":" if minified else chosen.choice([": ", ": ", " : "]),
        chosen.choice(["\n", "\n", "\n", "\r\n"]),
        chosen.random() < 0.3,
        chosen.random() < 0.1,
        chosen.random() < 0.7,
    )


def _notebook(chosen: random.Random) -> Pairs:
    minor = chosen.randrange(6)
    cells = [_cell(chosen, minor, number) for number in range(chosen.randrange(0, 12))]
    parts: Pairs = [("cells", cells), ("metadata", _metadata(chosen)), ("nbformat", 4), ("nbformat_minor", minor)]
    if chosen.random() < 0.3:
        chosen.shuffle(parts)
    if chosen.random() < 0.1:
        parts.insert(chosen.randrange(len(parts)), ("extra", [("nested", [("metadata", [("nbrucio", "not ours")])])]))
    return parts


_SOURCES = (
    "import nbrucio\nfiles = nbrucio.data('user.jdoe:muons')\n",
    "%matplotlib inline\n!ls \\\n -l",
    "# \N{SNOWMAN} caf\u00e9 \U0001f600",
    "print('a\\tb\"c\"')",
    "",
    "for (",
    "x = 1\r\ny = 2",
)


def _cell(chosen: random.Random, minor: int, number: int) -> Pairs:
    source: object = chosen.choice(_SOURCES)
    if chosen.random() < 0.6:
        source = str(source).splitlines(keepends=True)
    if chosen.random() < 0.05:
        source = Raw(chosen.choice(['"half \\ud800"', '"pair \\ud83d\\ude00"', '"\\/\\u0041\\b"']))
    cell: Pairs = [("cell_type", chosen.choice(["code", "code", "markdown", "raw"]))]
    if minor == 5:
        cell.append(("id", f"cell-{number}"))
    cell += [("metadata", [("tags", ["a"])] if chosen.random() < 0.3 else []), ("source", source)]
    if cell[0][1] == "code":
        cell += [("execution_count", chosen.choice([None, 3])), ("outputs", _outputs(chosen))]
    if chosen.random() < 0.05:
        cell.append(("source", "twice"))
    return cell


def _outputs(chosen: random.Random) -> list[object]:
    if chosen.random() < 0.6:
        return []
    data: Pairs = [("image/png", "iVBORw0KGgo" * chosen.randrange(1, 2000)), ("text/plain", ["<Figure>"])]
    return [[("data", data), ("metadata", []), ("output_type", "display_data")]]


def _metadata(chosen: random.Random) -> Pairs:
    number = Raw(chosen.choice(["1.0e5", "-0", "1E+2", "1.10", "12345678901234567890123", "0.1"]))
    possible: Pairs = [
        ("kernelspec", [("display_name", "Python 3"), ("language", "python"), ("name", "python3")]),
        ("language_info", [("name", "python"), ("version", "3.9.1")]),
        ("accelerator", "GPU"),
        ("colab", [("provenance", []), ("toc_visible", True)]),
        ("number", number),
        ("widgets", [("state", [(f"w{n}", [("value", n / 7), ("on", None)]) for n in range(chosen.randrange(30))])]),
        ("\u00fcml\u00e4ut", "\N{GREEK SMALL LETTER MU}"),
        ("zz_last", [[], [1, [2, []]]]),
    ]
    taken = [one for one in possible if chosen.random() < 0.5]
    if chosen.random() < 0.3:
        chosen.shuffle(taken)
    if taken and chosen.random() < 0.1:
        taken.append(chosen.choice(taken))
    return taken


def _written(value: object, style: Style, depth: int) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, list):
        pairs = bool(value) and all(isinstance(one, tuple) for one in value)
        if not value:
            return "[]"
        inner = [
            f"{json.dumps(one[0], ensure_ascii=style.escapes)}{style.colon}{_member(*one, style, depth)}"
            if isinstance(one, tuple)
            else _written(one, style, depth + 1)
            for one in value
        ]
        opening, closing = ("{", "}") if pairs else ("[", "]")
        if style.indent is None:
            return opening + style.item.join(inner) + closing
        gap = style.newline + style.indent * (depth + 1)
        return opening + gap + (style.item + gap).join(inner) + style.newline + style.indent * depth + closing
    return json.dumps(value, ensure_ascii=style.escapes)


#: Members that are objects, also where they are empty; all others are then lists.
_OBJECTS = frozenset({"metadata", "kernelspec", "colab", "state", "provenance"})


def _member(key: str, value: object, style: Style, depth: int) -> str:
    if value == []:
        return "{}" if key in _OBJECTS else "[]"
    return _written(value, style, depth + 1)
