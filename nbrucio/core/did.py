"""Rucio's data identifiers. A text that is not a DID raises `BadDid`. The legal characters are those of Rucio's schema
modules (``rucio/common/schema/``): a scope is at most 25 or 30 characters of letters, digits, dot, dash and underscore;
a name has at most 250 characters (500 in Belle II's schema), and its alphabet differs between experiments. The instance
decides; only texts that no schema allows are rejected here. nbrucio never uses a DID as a path.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from nbrucio.core.text import is_shown_whole, printable
from nbrucio.errors import BadDid

MAX_SCOPE_CHARS = 255
MAX_NAME_CHARS = 500
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class DidType(str, Enum):
    """The type of a DID, in Rucio's words."""

    FILE = "FILE"
    DATASET = "DATASET"
    CONTAINER = "CONTAINER"


class Did(NamedTuple):
    """One data identifier, ``scope:name``.

    The name may contain colons and slashes; the scope may not. `parse` turns ``str(did)`` back into the same DID.
    """

    scope: str
    name: str

    def __str__(self) -> str:
        return f"{self.scope}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Did:
        """Parse a DID.

        Raises:
            BadDid: ``text`` is not a DID; the message names the wrong part.
        """
        scope, colon, name = text.partition(":")
        if not colon:
            raise BadDid(
                f"{printable(text)} is not a DID: the scope is missing.", subject=text, hint="Write scope:name."
            )
        return cls.of(scope, name)

    @classmethod
    def of(cls, scope: str, name: str) -> Did:
        """Return the DID with this scope and name.

        Raises:
            BadDid: one of them is invalid; the message names it.
        """
        fault = scope_fault(scope) or name_fault(name)
        if fault is None:
            return cls(scope, name)
        text = f"{scope}:{name}"
        raise BadDid(f"{printable(text)} is not a DID: {fault}.", subject=text, hint="Write scope:name.")


def scope_fault(scope: str) -> str | None:
    """Return why ``scope`` is not a scope; None if it is one."""
    if len(scope) > MAX_SCOPE_CHARS:
        return f"its scope has more than {MAX_SCOPE_CHARS} characters"
    if not _SCOPE.match(scope):
        return "a scope consists of letters, digits, '.', '-' and '_', and begins with a letter or digit"
    return None


def name_fault(name: str) -> str | None:
    """Return why ``name`` is not the name of a DID; None if it is one."""
    if not name:
        return "its name is empty"
    if len(name) > MAX_NAME_CHARS:
        return f"its name has more than {MAX_NAME_CHARS} characters"
    if not is_shown_whole(name):
        return "its name contains an invisible or control character"
    if name != name.strip():
        return "its name begins or ends with a space"
    return None
