"""Rucio's data identifiers, parsed once and total: every text either is a DID or raises `BadDid`.

Which characters are legal follows Rucio's schema modules (``rucio/common/schema/``): a scope is at most 25 or 30
characters of letters, digits, dot, dash and underscore; a name has at most 250 characters (500 in Belle II's schema),
and its alphabet differs between experiments. The instance decides; here only what no schema allows is refused, and
nothing in nbrucio uses a DID as a path.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import NamedTuple

from nbrucio.core.text import printable
from nbrucio.errors import BadDid

MAX_SCOPE_CHARS = 255
MAX_NAME_CHARS = 500
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class DidType(str, Enum):
    """What a DID stands for, in Rucio's words."""

    FILE = "FILE"
    DATASET = "DATASET"
    CONTAINER = "CONTAINER"


class Did(NamedTuple):
    """One data identifier, ``scope:name``.

    The name may hold colons and slashes; the scope may not. ``str(did)`` is the text that parses back to it.
    """

    scope: str
    name: str

    def __str__(self) -> str:
        return f"{self.scope}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Did:
        """The DID that ``text`` writes.

        Raises:
            BadDid: ``text`` is no DID; the message says which part is wrong.
        """
        scope, colon, name = text.partition(":")
        if not colon:
            raise BadDid(
                f"{printable(text)} is not a DID: the scope is missing.", subject=text, hint="Write scope:name."
            )
        return cls.of(scope, name)

    @classmethod
    def of(cls, scope: str, name: str) -> Did:
        """The DID of these two.

        Raises:
            BadDid: they are none; the message says which part is wrong.
        """
        fault = _scope_fault(scope) or _name_fault(name)
        if fault is None:
            return cls(scope, name)
        text = f"{scope}:{name}"
        raise BadDid(f"{printable(text)} is not a DID: {fault}.", subject=text, hint="Write scope:name.")


def _scope_fault(scope: str) -> str | None:
    if len(scope) > MAX_SCOPE_CHARS:
        return f"its scope has more than {MAX_SCOPE_CHARS} characters"
    if not _SCOPE.match(scope):
        return "a scope consists of letters, digits, '.', '-' and '_', and begins with a letter or digit"
    return None


def _name_fault(name: str) -> str | None:
    if not name:
        return "its name is empty"
    if len(name) > MAX_NAME_CHARS:
        return f"its name has more than {MAX_NAME_CHARS} characters"
    # What is printable holds none of these; testing each character is 50 times as slow, and lists are long.
    if not name.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in name):
        return "its name holds a control character"
    if name != name.strip():
        return "its name begins or ends with a space"
    return None
