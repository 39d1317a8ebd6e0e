"""The one error that code in a notebook sees.

It is a class of its own and no part of the engine's tree (`nbrucio.errors`), since the kernel may run a Python in which
the engine is not installed. Its attributes carry the same names as there.
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
        self.message = message
        self.subject = subject
        self.next_command = next_command

    def __str__(self) -> str:
        return f"{self.message}\nType: {self.next_command}" if self.next_command else self.message
