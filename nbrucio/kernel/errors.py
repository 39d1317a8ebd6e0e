"""The one error that code in a notebook sees.

It is a class of its own and no part of the tree of all other errors (`nbrucio.errors`), since the kernel may run a
Python in which the rest of nbrucio is not installed. Its attributes carry the same names as there.
"""

from __future__ import annotations


class DataNotHere(LookupError):
    """Data that the code asks for cannot be had now.

    Args:
        message: what happened, one or two sentences.
        subject: the handle or DID that was asked for; None when it is about the notebook as a whole.
        next_command: a command line to type next; None when there is none.
    """

    def __init__(self, message: str, subject: str | None = None, next_command: str | None = None) -> None:
        super().__init__(message, subject, next_command)  # all three, so that it survives pickling
        self.message = _one_line(message)
        self.subject = subject
        self.next_command = _one_line(next_command) if next_command else None

    def __str__(self) -> str:
        return f"{self.message}\nType: {self.next_command}" if self.next_command else self.message

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in place of a traceback, which would tell of our code and not of the user's.
        return short_traceback("DataNotHere", self)


def short_traceback(title: str, error: DataNotHere) -> list[str]:
    """What a cell shows of ``error``: what happened, and what to type."""
    return [
        f"\x1b[31m{title}\x1b[39m: {error.message}",
        *([f"Type: {error.next_command}"] if error.next_command else []),
    ]


def _one_line(text: str) -> str:
    # Names come from notebooks and servers; a control character in one must not reach a terminal.
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
