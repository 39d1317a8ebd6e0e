"""Parses search conditions such as ``project = demo and (bytes > 1 GB or length >= 3)``. Pure.

The whole text must be understood, so that no search is sent for something else than the user meant. An error marks the
part that is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from nbrucio.core.text import printable
from nbrucio.errors import BadCondition

#: Comparisons, each with the suffix that Rucio's filters have for it.
COMPARISONS = {"=": "", "==": "", "!=": ".ne", "<": ".lt", "<=": ".lte", ">": ".gt", ">=": ".gte"}
#: Largest number of alternatives. Each is a separate query of Rucio's database.
MAX_ALTERNATIVES = 32
MAX_CHARS = 2_000
_MAX_DEPTH = 20
#: Written by mistake, and what is meant.
_MEANT = {
    **dict.fromkeys(("&&", "&", ","), "and"),
    **dict.fromkeys(("||", "|", ";"), "or"),
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    "===": "=",
    "!": "!=",
    "~": "=",
    "=~": "=",
}
_TOKEN = re.compile(
    r"""(?P<quoted>"[^"]*"|'[^']*')|(?P<open>["'])|(?P<paren>[()])|(?P<comparison>[<>=!~]+)|(?P<joint>&&?|\|\|?|[,;])"""
    r"""|(?P<word>[^\s"'()<>=!~&|,;]+)"""
)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
#: A number that a unit follows, and a day that a time follows, are one value.
_CONTINUED = (
    (re.compile(r"[\d.]+\Z"), re.compile(r"[kKmMgGtTpP]?i?[bB]\Z")),
    (re.compile(r"[\d-]{10}\Z"), re.compile(r"[\d:.]{5,}Z?\Z")),
)
_JOIN = "Join conditions by and, or; quote a value that has spaces or one of , ; & | ( )."
_EXAMPLE = "Write for example project = demo and bytes > 1 GB."


class Token(NamedTuple):
    """A piece of the text: its kind (a group of `_TOKEN`, or ``end``), and its place."""

    kind: str
    text: str
    start: int
    end: int


class Condition(NamedTuple):
    """One comparison.

    Attributes:
        key: the metadata key.
        suffix: Rucio's suffix for the comparison.
        value: what it is compared with, without quotes.
        quoted: whether it was in quotes.
        key_at, value_at: their places in the text.
        text: the whole text that it was parsed from.
    """

    key: str
    suffix: str
    value: str
    quoted: bool
    key_at: tuple[int, int]
    value_at: tuple[int, int]
    text: str

    def fault(self, message: str, *, hint: str, of_value: bool = False) -> BadCondition:
        """Return an error that marks the key, or the value."""
        return BadCondition(message, subject=self.text, hint=hint).at(*(self.value_at if of_value else self.key_at))


Alternatives = list[list[Condition]]


def parse(text: str) -> Alternatives:
    """Return the alternatives that ``text`` allows, each with the conditions to meet; ``and`` binds closer than ``or``.

    Raises:
        BadCondition: a part of the text cannot be understood.
    """
    return _Parser(text).parse()


def both(left: Alternatives, right: Alternatives, text: str) -> Alternatives:
    """Return the alternatives in which one of ``left`` and one of ``right`` are met.

    Raises:
        BadCondition: there are too many.
    """
    count = len(left) * len(right)
    if count > MAX_ALTERNATIVES:
        raise BadCondition(
            f"These conditions have {count:,} alternatives; at most {MAX_ALTERNATIVES} are allowed in one search.",
            subject=text,
            hint="Write fewer alternatives, and search several times.",
        ).at(0, len(text))
    return [one + other for one in left for other in right]


class _Parser:
    """A recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: Sequence[Token] = ()
        self._at = 0
        self._depth = 0

    def parse(self) -> Alternatives:
        if len(self._text) > MAX_CHARS:
            raise self._fault(
                f"The condition is longer than {MAX_CHARS:,} characters.", MAX_CHARS, len(self._text), hint=_EXAMPLE
            )
        self._tokens = self._split()
        found = self._any()
        if self._next.kind != "end":
            raise self._trailing()
        return found

    def _split(self) -> list[Token]:
        tokens = [Token(str(m.lastgroup), m[0], *m.span()) for m in _TOKEN.finditer(self._text)]
        opened = next((token for token in tokens if token.kind == "open"), None)
        if opened is not None:
            raise self._fault(
                f"The quote {opened.text} is not closed.", opened.start, len(self._text), hint="Close it, or remove it."
            )
        end = len(self._text.rstrip())
        return [*tokens, Token("end", "", end, end)]

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _is_word(self, word: str) -> bool:
        return self._next.kind == "word" and self._next.text.lower() == word

    def _any(self) -> Alternatives:
        found = self._all()
        while self._is_word("or"):
            self._take()
            found = found + self._all()
        if len(found) > MAX_ALTERNATIVES:
            both(found, [[]], self._text)
        return found

    def _all(self) -> Alternatives:
        found = self._one()
        while self._is_word("and"):
            self._take()
            found = both(found, self._one(), self._text)
        return found

    def _one(self) -> Alternatives:
        if self._next.text != "(" or self._next.kind != "paren":
            return [[self._condition()]]
        opened = self._take()
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._fault(
                "The parentheses are nested too deeply.", *opened[2:], hint="Write it with fewer of them."
            )
        found = self._any()
        if self._next.text != ")" or self._next.kind != "paren":
            if self._next.kind != "end":
                raise self._trailing()
            raise self._fault("This '(' is not closed.", *opened[2:], hint="Add the ')', or remove the '('.")
        self._take()
        self._depth -= 1
        return found

    def _condition(self) -> Condition:
        key = self._key()
        comparison = self._comparison(key)
        value = self._value(comparison)
        quoted = value.kind == "quoted"
        words = value.text[1:-1] if quoted else value.text
        suffix = COMPARISONS[comparison.text]
        return Condition(key.text, suffix, words, quoted, (key.start, key.end), (value.start, value.end), self._text)

    def _key(self) -> Token:
        token, before = self._take(), self._tokens[self._at - 2] if self._at > 1 else None
        if token.kind == "word" and token.text.lower() not in ("and", "or"):
            if not _KEY.match(token.text):
                hint = "A key consists of letters, digits, '_' and '-'. Write for example length > 1 and length < 5."
                raise self._fault(f"{printable(token.text)} is not a metadata key.", *token[2:], hint=hint)
            return token
        if token.kind == "end":
            words = (
                "The condition is empty."
                if before is None
                else f"A condition is missing after {printable(before.text)}."
            )
            raise self._fault(words, *token[2:], hint=_EXAMPLE)
        if token.kind == "quoted":
            words = f"{printable(token.text[1:-1])} is not a metadata key."
            raise self._fault(words, *token[2:], hint="Write a key without quotes.")
        if token.kind == "joint" and before is not None:
            raise self._misspelt(token)
        what = "metadata key" if token.kind == "comparison" else "condition"
        raise self._fault(f"A {what} is missing before {printable(token.text)}.", *token[2:], hint=_EXAMPLE)

    def _comparison(self, key: Token) -> Token:
        token = self._take()
        if token.kind == "comparison" and token.text in COMPARISONS:
            return token
        if token.kind == "comparison":
            meant = _MEANT.get(token.text)
            hint = f"Write '{meant}' instead." if meant else f"Write one of {' '.join(COMPARISONS)}."
            raise self._fault(f"{printable(token.text)} is not a comparison.", *token[2:], hint=hint)
        hint = f"Write for example {key.text} = value; the comparisons are {' '.join(COMPARISONS)}."
        raise self._fault(f"A comparison is missing after {printable(key.text)}.", *token[2:], hint=hint)

    def _value(self, comparison: Token) -> Token:
        token = self._take()
        if token.kind == "word" and token.text.lower() not in ("and", "or"):
            more = self._next
            if any(first.match(token.text) and then.match(more.text) for first, then in _CONTINUED):
                self._take()
                return Token("word", f"{token.text} {more.text}", token.start, more.end)
            return token
        if token.kind != "quoted":
            hint = "Write the value after it, in quotes if it has spaces."
            raise self._fault(f"A value is missing after '{comparison.text}'.", *token[2:], hint=hint)
        return token

    def _trailing(self) -> BadCondition:
        """Return the error for a piece after which the condition could have ended."""
        token = self._next
        if token.kind == "joint":
            return self._misspelt(token)
        if token.text == ")" and token.kind == "paren":
            return self._fault("This ')' has no '('.", *token[2:], hint="Remove it, or add the '('.")
        if token.kind == "comparison":
            hint = "Write two conditions, such as length > 1 and length < 5."
            return self._fault(f"{printable(token.text)} follows a whole condition.", *token[2:], hint=hint)
        return self._fault(f"{printable(token.text)} follows a whole condition.", *token[2:], hint=_JOIN)

    def _misspelt(self, token: Token) -> BadCondition:
        hint = f"Write '{_MEANT[token.text]}' instead, or quote a value that contains it."
        return self._fault(f"'{token.text}' does not join conditions.", *token[2:], hint=hint)

    def _fault(self, message: str, start: int, end: int, *, hint: str) -> BadCondition:
        return BadCondition(message, subject=self._text, hint=hint).at(start, end)
