"""The shared Hypothesis vocabulary: DIDs, JSON, notebooks, and the ways in which programs spell a notebook."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from nbrucio.core.did import Did

Document = dict[str, Any]

# --- DIDs -------------------------------------------------------------------------------------------------------------


def dids() -> st.SearchStrategy[Did]:
    """DIDs as `Did.parse` takes them, odd ones included: colons, slashes, spaces and any letters in the name."""
    scopes = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,24}", fullmatch=True)
    letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))
    names = st.text(letters, min_size=1, max_size=60).filter(lambda name: name == name.strip())
    usual = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/#-]{0,60}", fullmatch=True)
    return st.builds(Did, scopes, usual | names)


# --- JSON -------------------------------------------------------------------------------------------------------------

_ODD_TEXTS = [
    "",
    "é",
    "\x7f",
    "\x1b[0m",
    "\u2028",
    "😀",
    '"',
    "\\",
    "\\u00e9",
    "\\\\u00e9",
    "a\nb\r\n",
    "/",
    "{}",
    "],",
]

texts = st.sampled_from(_ODD_TEXTS) | st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.integers(-(10**25), 10**25) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def key_values() -> st.SearchStrategy[Document]:
    """What may stand under our key: a declaration of this or any later version is some JSON object."""
    usual = st.fixed_dictionaries(
        {"version": st.just(1), "requirements": st.lists(st.builds(lambda did: {"did": str(did)}, dids()), max_size=2)},
        optional={"lock": json_values, "a later version's": json_values},
    )
    return usual | st.dictionaries(texts, json_values, max_size=3)


# --- notebooks --------------------------------------------------------------------------------------------------------

#: Keys with a meaning that the notebook format checks or that Jupyter drops when it writes.
_RESERVED = {"nbrucio", "kernelspec", "language_info", "orig_nbformat", "orig_nbformat_minor", "signature", "title"}
_RESERVED |= {"authors", "name", "tags", "format", "jupyter", "execution", "collapsed", "scrolled", "trusted"}

_multiline = texts | st.lists(texts, max_size=3)
_free_metadata = st.dictionaries(texts.filter(lambda key: key not in _RESERVED), json_values, max_size=2)
_mimebundles = st.fixed_dictionaries(
    {}, optional={"text/plain": _multiline, "image/png": texts, "application/json": json_values}
)


def _outputs() -> st.SearchStrategy[Document]:
    kind, data = st.just, {"data": _mimebundles, "metadata": _free_metadata}
    counts = st.none() | st.integers(0, 99)
    return st.one_of(
        st.fixed_dictionaries({"output_type": kind("display_data"), **data}),
        st.fixed_dictionaries({"output_type": kind("execute_result"), "execution_count": counts, **data}),
        st.fixed_dictionaries({"output_type": kind("stream"), "name": st.just("stdout"), "text": _multiline}),
        st.fixed_dictionaries(
            {"output_type": kind("error"), "ename": texts, "evalue": texts, "traceback": st.lists(texts, max_size=2)}
        ),
    )


@st.composite
def _cells(draw: st.DrawFn, minor: int, number: int) -> Document:
    kind = draw(st.sampled_from(["code", "markdown", "raw"]))
    cell: Document = {"cell_type": kind, "metadata": draw(_free_metadata), "source": draw(_multiline)}
    if draw(st.booleans()):
        cell["metadata"]["tags"] = ["parameters"]
    if kind == "code":
        cell["execution_count"] = draw(st.none() | st.integers(0, 99))
        cell["outputs"] = draw(st.lists(_outputs(), max_size=2))
    elif minor >= 1 and draw(st.booleans()):
        cell["attachments"] = draw(st.dictionaries(texts, _mimebundles, max_size=1))
    if minor >= 5:
        cell["id"] = f"cell-{number}"
    return cell


@st.composite
def notebooks(draw: st.DrawFn) -> Document:
    """Valid notebooks of nbformat 4.0 to 4.5 without our key."""
    minor = draw(st.integers(0, 5))
    metadata = draw(_free_metadata)
    if draw(st.booleans()):
        metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    if draw(st.booleans()):
        metadata["language_info"] = {"name": "python", "version": draw(texts)}
    count = draw(st.integers(0, 3))
    cells = [draw(_cells(minor, number)) for number in range(count)]
    members = [("cells", cells), ("metadata", metadata), ("nbformat", 4), ("nbformat_minor", minor)]
    return dict(draw(st.permutations(members)))


# --- spellings --------------------------------------------------------------------------------------------------------


class Verbatim(str):
    """A text that no spelling below escapes, so that a test finds it in the bytes."""

    __slots__ = ()


@dataclass(frozen=True)
class Tidy:
    """One consistent style, as programs write."""

    indent: int | str | None
    newline: str = "\n"
    separators: tuple[str, str] = (",", ": ")
    ensure_ascii: bool = False
    final: str = "\n"
    bom: str = ""

    def spell(self, document: object, sort_keys: bool = False) -> bytes:
        text = json.dumps(
            document,
            indent=self.indent,
            separators=self.separators,
            ensure_ascii=self.ensure_ascii,
            sort_keys=sort_keys,
        )
        return (self.bom + text + self.final).replace("\n", self.newline).encode()


def tidy_styles() -> st.SearchStrategy[Tidy]:
    """Styles from Jupyter's own to one line without a space."""
    layouts = st.sampled_from([(1, ": "), (2, ": "), (4, ":"), ("\t", ": "), (0, ": "), (3, " : ")])
    lines = st.builds(lambda layout: (layout[0], (",", layout[1])), layouts)
    compact = st.sampled_from([(None, (",", ":")), (None, (", ", ": ")), (None, (",", ": "))])
    return st.builds(
        lambda layout, *rest: Tidy(layout[0], rest[0], layout[1], *rest[1:]),
        lines | compact,
        st.sampled_from(["\n", "\r\n"]),
        st.booleans(),
        st.sampled_from(["\n", ""]),
        st.sampled_from(["", "\ufeff"]),
    )


@dataclass(frozen=True)
class Wild:
    """Every legal freedom at every place: white space, escapes, spellings of numbers, repeated keys."""

    seed: int

    def spell(self, document: object) -> bytes:
        dice = random.Random(self.seed)
        space = _space(dice)
        return (dice.choice(["", "\ufeff"]) + space + _wild(document, dice) + space).encode()


def spellings() -> st.SearchStrategy[Tidy | Wild]:
    """Tidy and wild ones."""
    return tidy_styles() | st.builds(Wild, st.integers(0, 2**32))


def _space(dice: random.Random) -> str:
    return "".join(dice.choices([" ", "\n", "\r\n", "\t", "\r", "   "], k=dice.choice([0, 0, 0, 1, 1, 2, 3])))


def _wild(value: object, dice: random.Random, *, repeats: bool = True) -> str:
    if isinstance(value, Verbatim):
        return f'"{value}"'
    if isinstance(value, str):
        return '"' + "".join(_wild_letter(letter, dice) for letter in value) + '"'
    if isinstance(value, dict):
        return _wild_items([_wild_member(key, item, dice, repeats=repeats) for key, item in value.items()], "{}", dice)
    if isinstance(value, list):
        return _wild_items([_wild(item, dice, repeats=repeats) for item in value], "[]", dice)
    text = json.dumps(value)
    return text + dice.choice(["", "E+0", "e-00", "0"]) if isinstance(value, float) and "e" not in text else text


def _wild_items(items: list[str], braces: str, dice: random.Random) -> str:
    spaced = ",".join(_space(dice) + item + _space(dice) for item in items)
    return braces[0] + (spaced or _space(dice)) + braces[1]


def _wild_member(key: str, value: object, dice: random.Random, *, repeats: bool) -> str:
    colon = _space(dice) + ":" + _space(dice)
    # The last of a repeated key counts. These and every key in ours are refused when repeated, which has its own tests.
    before = ""
    if repeats and key not in ("metadata", "cells", "nbformat", "nbrucio") and dice.random() < 0.1:
        before = _wild(key, dice) + colon + "[1.0E+2, 12345678901234567890123]" + _space(dice) + "," + _space(dice)
    repeats = repeats and key != "nbrucio"
    return before + _wild(key, dice) + colon + _wild(value, dice, repeats=repeats)


def _wild_letter(letter: str, dice: random.Random) -> str:
    plain = json.dumps(letter, ensure_ascii=False)[1:-1]
    if dice.random() < 0.7:
        return plain
    escaped = json.dumps(letter)[1:-1]
    return escaped if len(escaped) > 1 else dice.choice([f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}"])
