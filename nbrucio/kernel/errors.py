"""The error that nbrucio raises in notebooks. It is not in the tree of the other errors (`nbrucio.errors`), because the
kernel's Python may lack the rest of nbrucio. Its attributes have the same names as there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from . import where

#: ANSI colours by hand: the kernel's Python may lack rich and click. Every front end of Jupyter renders them.
_RED, _NO_COLOUR = "\x1b[31m", "\x1b[39m"
#: The panel's button for a command of nbrucio.
_BUTTONS = {
    "sync": "Press Sync in the panel Data (Rucio)",
    "lock": "Press Lock in the panel Data (Rucio)",
    "add": "Add it in Explore of the panel Data (Rucio)",
    "search": "Search in Explore of the panel Data (Rucio)",
    "stage": "Find it in Explore of the panel Data (Rucio)",
    "config": "Connect to a Rucio server under Settings in the panel Data (Rucio)",
    "login": "Log in under Settings in the panel Data (Rucio)",
}
#: They ask the user, which a command in a cell cannot.
_ASKS = ("login", "config")


class DataNotHere(LookupError):
    """Data that the code uses is missing.

    Args:
        message: the event, in one or two sentences.
        subject: the requested handle or DID; None when the error is about the notebook as a whole.
        next_command: the command line that helps; None without one.
    """

    def __init__(self, message: str, subject: str | None = None, next_command: str | None = None) -> None:
        super().__init__(message, subject, next_command)  # all three, so that it survives pickling
        self.message = printable(message)
        self.subject = subject
        self.next_command = printable(next_command) if next_command else None

    def __str__(self) -> str:
        return "\n".join([self.message, *next_action(self)])

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in place of a traceback, whose lines would be nbrucio's and not the user's.
        return short_traceback("DataNotHere", self)


def short_traceback(title: str, error: DataNotHere) -> list[str]:
    """Return the lines that a cell shows for ``error``: the event and the next action."""
    return [f"{_RED}{title}{_NO_COLOUR}: {error.message}", *next_action(error)]


def next_action(error: DataNotHere, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the line with the next action for ``error``, if any; with a panel, the panel's button comes first."""
    if not error.next_command:
        return []
    from .command import words_for  # only an error needs it

    program, _, rest = error.next_command.partition(" ")
    words = rest.split()
    here = words_for(program, environ)
    button = _BUTTONS.get(words[0]) if program == "nbrucio" and words else None
    # A kernel of a Jupyter server with nbrucio; a run such as papermill's also has NBRUCIO_NOTEBOOK.
    in_jupyter = environ.get(where.MANIFEST_VARIABLE) and not environ.get(where.NOTEBOOK_VARIABLE)
    if button and in_jupyter:
        return [f"{button}." if words[0] in _ASKS else f"{button}, or run in a cell: !{here} {rest}"]
    if here is None:
        return []
    return [f"Run in a cell: !{here} {rest}" if in_jupyter else f"Run: {here} {rest}"]


def printable(text: str) -> str:
    """Return ``text`` on one line, without control characters, which names from notebooks and servers may contain."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
