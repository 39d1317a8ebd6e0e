"""The words of every error, in a file that a reviewer reads in one sitting, and what they must not say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

from nbrucio.errors import SEVERITY
from tests.support.error_texts import ErrorText, error_texts, tree
from tests.support.snapshots import Snapshots

ROOT = Path(__file__).parents[1]
TREE = tree()

#: A message is one thing that happened; what to do about it stands in the hint.
MAX_CHARS = 200
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
#: What is put in is as long as this on average: a handle, a name, a reason.
_PUT_IN = "x" * 12

#: Still to be rewritten.
_OTHERS = ("nbrucio/core/lock_errors.py", "nbrucio/core/plan_errors.py")

#: House words that a reader in a second language reads twice.
DIALECT = re.compile(
    r"(?<!here )\b(is|are) no \w|^(Who|Whom|What|Whose)\b|\bwhom\b|\bglance|\bhand(s|ed)? over\b"
    r"|\b(bring|brings|brought|let in|lets? you in|to be had|be had|well enough|with a network|Type:)\b"
)


@cache
def _found() -> tuple[ErrorText, ...]:
    return tuple(error_texts(ROOT, ("nbrucio", "cli/nbrucio_cli")))


def test_errors_as_in_the_snapshots(snapshots: Snapshots) -> None:
    snapshots.check("errors.txt", [("Codes", _codes()), *_rooms()])


def _codes() -> str:
    rows = (f"{kind.code:<20} {kind.exit_code:>3}  {name}" for name, kind in TREE.items())
    order = ", ".join(map(str, SEVERITY))
    return "\n".join([*rows, "", f"Of several errors the exit code is the first of: {order}."])


def _rooms() -> Iterator[tuple[str, str]]:
    for file, texts in groupby(_found(), key=lambda text: text.file):
        lines: list[str] = []
        last = ""
        for text in texts:
            head = _head(text.kind)
            lines += [*([] if head == last else [head]), *_lines(text)]
            last = head
        yield file, "\n".join(lines)


def _head(kind: str) -> str:
    found = TREE.get(kind)
    return kind if found is None else f"{kind} ({found.code}, {found.exit_code})"


def _lines(text: ErrorText) -> Iterator[str]:
    for before, words in (("    ", text.messages), ("      hint: ", text.hints), ("      next: ", text.commands)):
        for each in words:
            yield before + each.replace("\n", "\\n")


def test_a_message_is_short() -> None:
    messages = (message for text in _found() for message in text.messages)
    assert [each for each in messages if len(_PLACEHOLDER.sub(_PUT_IN, each)) > MAX_CHARS] == []


def test_errors_are_in_plain_words() -> None:
    texts = [text for text in _found() if not text.file.startswith(_OTHERS)]
    words = (words for text in texts for words in (*text.messages, *text.hints))
    assert [each for each in words if DIALECT.search(each)] == []
