"""Changes one member of a JSON document and no other character.

Parsing and writing JSON loses choices of a person or another program: indentation, line ends, key order, the spelling
of numbers and escapes. So a document is read once to learn the positions of its members, and a change replaces only the
characters of one member. The standard library's scanner reads the values.

Positions are character offsets into the document's text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

#: Largest indentation to copy. A larger one would inflate the file, since each line of our value would repeat it.
_MAX_INDENT = 64
_SPACE = re.compile(r"[ \t\n\r]*")
_LINE_START = re.compile(r"(\r\n|\n|\r)([ \t]*)\Z")
_LETTER_ESCAPE = re.compile(r"\\u(?!00[0-7])")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7e]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_A_NUMBER = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|(-?Infinity|NaN)', re.DOTALL)

#: Reads the value of the member with this key at this position; returns it and the position after it.
ReadValue = Callable[[str, int], tuple[object, int]]


class Member(NamedTuple):  # cheaper than a dataclass; metadata may have a million members
    """Position of one ``"key": value``; ``key`` is unescaped."""

    key: str
    key_start: int
    key_end: int
    value_start: int
    value_end: int


class ObjectText(NamedTuple):
    """Position of one JSON object, braces included, and its members in text order."""

    start: int
    end: int
    members: tuple[Member, ...]

    def named(self, key: str) -> list[Member]:
        """Return the members named ``key``; several when the document repeats it."""
        return [member for member in self.members if member.key == key]

    def is_sorted(self) -> bool:
        """Whether the keys are in the order in which Jupyter writes them."""
        keys = [member.key for member in self.members]
        return keys == sorted(keys)


def skip_space(text: str, position: int) -> int:
    """Return the position of the first character at or after ``position`` that is not JSON white space."""
    match = _SPACE.match(text, position)
    assert match is not None  # the pattern matches the empty string
    return match.end()


def scan_object(text: str, start: int, read_value: ReadValue) -> tuple[ObjectText, dict[str, object]]:
    """Return the positions of the members of the object at ``start``, and their values.

    Of a repeated key the last value counts, as in json.

    Raises:
        json.JSONDecodeError: there is no JSON object at ``start``.
        RecursionError: a value is nested too deeply.
    """
    members: list[Member] = []
    values: dict[str, object] = {}
    if not text.startswith("{", start):
        raise json.JSONDecodeError("Expecting '{'", text, start)
    position = skip_space(text, start + 1)
    if text.startswith("}", position):
        return ObjectText(start, position + 1, ()), values
    while True:
        member, values[member.key] = _scan_member(text, position, read_value)
        members.append(member)
        position = skip_space(text, member.value_end)
        if text.startswith("}", position):
            return ObjectText(start, position + 1, tuple(members)), values
        if not text.startswith(",", position):
            raise json.JSONDecodeError("Expecting ',' delimiter", text, position)
        position = skip_space(text, position + 1)


def _scan_member(text: str, key_start: int, read_value: ReadValue) -> tuple[Member, object]:
    if not text.startswith('"', key_start):
        raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, key_start)
    key, key_end = _KEY.raw_decode(text, key_start)
    colon = skip_space(text, key_end)
    if not text.startswith(":", colon):
        raise json.JSONDecodeError("Expecting ':' delimiter", text, colon)
    value_start = skip_space(text, colon + 1)
    value, value_end = read_value(key, value_start)
    return Member(key, key_start, key_end, value_start, value_end), value


_KEY = json.JSONDecoder()


def find_not_a_number(text: str) -> int:
    """Return the position of the first NaN or Infinity outside strings; 0 without one."""
    for match in _NOT_A_NUMBER.finditer(text):
        if match.group(1):
            return match.start()
    return 0


class _JsonStyle(NamedTuple):
    """Style of an object's members, in white space of the document."""

    line: str  # line break and indentation before each member; "" when all are on one line
    last_line: str  # the same before the closing brace
    unit: str  # one more level of indentation
    gap: str  # everything between two members, comma included
    item_gap: str  # the same inside our value when it is on one line
    colon: str  # everything between key and value


class MemberEdit(NamedTuple):
    """Sets or removes the member ``key`` of the object ``inner``, which is the value of ``holder`` in ``outer``.

    An empty ``inner`` shows no style; then the style of ``outer`` applies.
    """

    text: str
    outer: ObjectText
    holder: Member
    inner: ObjectText
    key: str

    def set(self, value: object) -> str:
        """Return the text with the member set to ``value``, in the document's own style.

        An existing member stays in place. A new one goes to its sorted place if the document's keys are sorted, else to
        the end; `remove` then restores the earlier text. Non-ASCII letters are written as they are, as Jupyter does,
        unless the document is ASCII and escapes its own.

        Raises:
            RecursionError: ``value`` is nested too deeply.
            TypeError: ``value`` contains an object that JSON cannot represent.
            ValueError: ``value`` contains a number that JSON cannot represent.
        """
        layout = self._layout(self.inner)
        rendered = self._render(value, layout)
        present = self.inner.named(self.key)
        if present:
            return self._replaced(present[0].value_start, present[0].value_end, rendered)
        member = json.dumps(self.key) + layout.colon + rendered
        members = self.inner.members
        index = sum(m.key < self.key for m in members) if self._is_sorted() else len(members)
        if not members:
            # White space inside "{ }" stays before the member, so that `remove` can restore it.
            at = self.inner.end - 1
            return self._replaced(at, at, layout.line + member + layout.last_line)
        if index == 0:
            return self._replaced(members[0].key_start, members[0].key_start, member + layout.gap)
        at = members[index - 1].value_end
        return self._replaced(at, at, layout.gap + member)

    def remove(self) -> str:
        """Return the text without the member, and without its comma and white space."""
        present = self.inner.named(self.key)
        if not present:
            return self.text
        members = self.inner.members
        index = members.index(present[0])
        if index > 0:
            return self._replaced(members[index - 1].value_end, present[0].value_end, "")
        if len(members) > 1:
            return self._replaced(present[0].key_start, members[1].key_start, "")
        # The only member: remove what `set` added around it, and restore what was between the braces before.
        layout = self._layout(ObjectText(self.inner.start, self.inner.end, ()))
        before = self.text[self.inner.start + 1 : present[0].key_start]
        after = self.text[present[0].value_end : self.inner.end - 1]
        ours = before.endswith(layout.line) and after == layout.last_line
        return self._replaced(
            self.inner.start + 1, self.inner.end - 1, before.removesuffix(layout.line) if ours else ""
        )

    def _replaced(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]

    def _is_sorted(self) -> bool:
        return self.outer.is_sorted() and self.inner.is_sorted()

    def _layout(self, inner: ObjectText) -> _JsonStyle:
        outer_newline, outer_indent, outer_unit = self._indentation(self.outer, self.holder)
        first = inner.members[0] if inner.members else self.holder
        colon = self._on_one_line(first.key_end, first.value_start, ": ")
        if not inner.members:
            line = outer_newline and outer_newline + outer_indent + outer_unit
            last_line = outer_newline + outer_indent
            return _JsonStyle(line, last_line, outer_unit, ",", self._item_gap(colon), colon)
        newline, indent, unit = self._indentation(inner, first)
        line = newline + indent
        item_gap = self._item_gap(colon)
        if len(inner.members) > 1:
            gap = self.text[first.value_end : inner.members[1].key_start]
        else:
            gap = "," + line if newline else item_gap
        return _JsonStyle(line, "", unit or outer_unit, gap, item_gap, colon)

    def _indentation(self, around: ObjectText, member: Member) -> tuple[str, str, str]:
        """Return line break and indentation before ``member``, and how much deeper that is than the closing brace.

        Three empty strings when ``member`` does not begin a line or is indented too far.
        """
        own = _LINE_START.search(self._space_before(around, member.key_start))
        if own is None or len(own.group(2)) > _MAX_INDENT:
            return "", "", ""
        newline, indent = own.groups()
        closing = _LINE_START.search(self._space_before(around, around.end - 1))
        outside = closing.group(2) if closing else ""
        return newline, indent, indent[len(outside) :] if indent.startswith(outside) else indent

    def _space_before(self, around: ObjectText, position: int) -> str:
        ends = (member.value_end for member in around.members if member.value_end <= position)
        start = max(max(ends, default=around.start + 1), position - _MAX_INDENT - len("\r\n") - 1)
        return self.text[start:position].rpartition(",")[2]

    def _item_gap(self, colon: str) -> str:
        """Return the comma between items on one line, as in the surrounding document, else matching its colon."""
        fallback = "," if colon == ":" else ", "
        members = self.outer.members
        return self._on_one_line(members[0].value_end, members[1].key_start, fallback) if members[1:] else fallback

    def _on_one_line(self, start: int, end: int, fallback: str) -> str:
        between = self.text[start:end]
        return fallback if set(between) & set("\r\n") or len(between) > len(" : ") else between

    def _render(self, value: object, layout: _JsonStyle) -> str:
        rendered = self._dumps(value, layout, ensure_ascii=False)
        if _BEYOND_ASCII.search(rendered) and _escapes_letters(self.text):
            rendered = self._dumps(value, layout, ensure_ascii=True)
        # A lone surrogate has no UTF-8 form, only an escape.
        rendered = _SURROGATE.sub(lambda match: json.dumps(match.group())[1:-1], rendered)
        return rendered.replace("\n", layout.line)

    def _dumps(self, value: object, layout: _JsonStyle, ensure_ascii: bool) -> str:
        return json.dumps(
            value,
            indent=layout.unit if layout.line else None,
            separators=("," if layout.line else layout.item_gap, layout.colon),
            sort_keys=self._is_sorted(),
            ensure_ascii=ensure_ascii,
            allow_nan=False,
            default=_plain,
        )


def _escapes_letters(text: str) -> bool:
    """Whether ``text`` is ASCII and escapes at least one non-ASCII letter."""
    if not text.removeprefix("\ufeff").isascii():
        return False
    for match in _LETTER_ESCAPE.finditer(text):
        start = match.start()
        while text[start - 1] == "\\":  # a backslash may be escaped itself
            start -= 1
        if (match.start() - start) % 2 == 0:
            return True
    return False


def same_json(one: object, other: object) -> bool:
    """Whether both are the same JSON value. Unlike with ``==``, true differs from 1, and 1 from 1.0.

    Raises:
        RecursionError: a value is nested too deeply.
        TypeError: a value contains an object that JSON cannot represent.
    """
    return json.dumps(one, sort_keys=True, default=_plain) == json.dumps(other, sort_keys=True, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
