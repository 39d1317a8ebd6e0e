"""All errors that users can get, as one tree.

Each error has a message (what happened, and why), a ``subject`` (the DID, file or setting), a ``hint`` and a
``next_command``. The command line exits with its ``exit_code``; programs match its ``code``, which never changes.
``tests/snapshots/errors.txt`` lists the texts.

::

    NbrucioError                    1  internal
    ├── CellFailed                  1  cell-failed
    ├── KernelFailed                1  kernel-failed
    ├── UsageError                  2  usage
    │   ├── BadCondition            2  usage
    │   ├── BadDid                  2  bad-did
    │   ├── BadNotebook             2  bad-notebook
    │   ├── BadDeclaration          2  bad-declaration
    │   │   └── ParameterNeeded     2  parameter-needed
    │   ├── BadConfig               2  bad-config
    │   ├── UnreadableFile          2  unreadable-file
    │   ├── UnknownInstance         2  unknown-instance
    │   └── MissingDependency       2  missing-dependency
    ├── Drift                       3  drift
    │   └── Undeclared              3  undeclared
    ├── Unavailable                 4  unavailable
    │   ├── DidNotFound             4  did-not-found
    │   ├── NoReplica               4  no-replica
    │   ├── TransferFailed          4  transfer-failed
    │   └── RucioRefused            4  rucio-refused
    ├── ConsentNeeded               5  consent-needed
    ├── NoSpace                     6  no-space
    │   └── OverBudget              6  over-budget
    ├── CredentialsRejected         7  credentials
    ├── Offline                     8  offline
    ├── IntegrityError              9  integrity
    ├── LockStale                  10  lock-stale
    └── Interrupted               130  interrupted
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

#: Commands of nbrucio in a text.
_COMMANDS = re.compile(r"(?<=`)nbrucio(?= [a-z])")


def _as_it_is(program: str) -> str | None:
    return program


_words_for: Callable[[str], str | None] = _as_it_is


def find_programs_by(words_for: Callable[[str], str | None]) -> None:
    """Let errors print commands as users of this session can run them.

    Args:
        words_for: returns the words that run a program, None if it is not installed.
    """
    global _words_for
    _words_for = words_for


def runnable_command(command: str) -> str | None:
    """Return ``command`` as it runs in this session; None if its program is not installed."""
    program, space, rest = command.partition(" ")
    words = _words_for(program)
    return None if words is None else f"{words}{space}{rest}"


def runnable_text(text: str) -> str:
    """Return ``text`` with the commands of nbrucio in backticks as they run in this session."""
    return _COMMANDS.sub(lambda _: _words_for("nbrucio") or "nbrucio", text) if "`nbrucio " in text else text


class NbrucioError(Exception):
    """Root of the tree.

    Args:
        message: what happened and why: at most 200 characters without the values in it, no final newline.
        subject: the DID, file or setting; None without one.
        hint: what the user can do, one or two sentences; None where the next command suffices.
        next_command: a command line that the user can run as it is or with capital words filled in; None without one.
    """

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, *, subject: str | None = None, hint: str | None = None, next_command: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.hint = hint
        self.next_command = next_command

    def __str__(self) -> str:
        return self.message

    @property
    def hint_here(self) -> str | None:
        """The hint with its commands as they run in this session."""
        return None if self.hint is None else runnable_text(self.hint)

    @property
    def command_here(self) -> str | None:
        """The next command as it runs in this session; None if its program is not installed."""
        return None if self.next_command is None else runnable_command(self.next_command)

    def as_line(self) -> str:
        """Return the error as one line for logs: message, hint, command."""
        command = self.command_here
        parts = (self.message, self.hint_here, f"Run: {command}" if command else None)
        return " ".join(" ".join(part for part in parts if part).split())

    def as_json(self) -> dict[str, str | int | None]:
        """Return the error as a JSON object: code, exit_code, message, subject, hint, next_command.

        Commands are those of this session.
        """
        return {
            "code": self.code,
            "exit_code": self.exit_code,
            "message": self.message,
            "subject": self.subject,
            "hint": self.hint_here,
            "next_command": self.command_here,
        }


class CellFailed(NbrucioError):
    """A cell of an executed notebook raised an exception."""

    code = "cell-failed"


class KernelFailed(NbrucioError):
    """The kernel of an executed notebook did not start, or ended before the last cell."""

    code = "kernel-failed"


class UsageError(NbrucioError):
    """The command, request or input is wrong."""

    code = "usage"
    exit_code = 2


class BadCondition(UsageError):
    """A condition of a search cannot be understood.

    Attributes:
        position: beginning and end of the wrong part of ``subject``, in characters; equal where something is missing.
    """

    position: tuple[int, int] = (0, 0)

    def at(self, start: int, end: int) -> BadCondition:
        """Return this error with its position."""
        self.position = (start, end)
        return self

    def as_json(self) -> dict[str, Any]:
        """Return the error as a JSON object, with its ``position``."""
        return {**super().as_json(), "position": list(self.position)}


class BadDid(UsageError):
    """A text is not a valid DID."""

    code = "bad-did"


class BadNotebook(UsageError):
    """A notebook cannot be read or written."""

    code = "bad-notebook"


class BadDeclaration(UsageError):
    """The declaration of a notebook is invalid."""

    code = "bad-declaration"


class ParameterNeeded(BadDeclaration):
    """A requirement takes its DID from a parameter without a value."""

    code = "parameter-needed"


class BadConfig(UsageError):
    """The configuration is invalid, or a configured path cannot be used."""

    code = "bad-config"


class UnreadableFile(UsageError):
    """A file of nbrucio cannot be read or is damaged. nbrucio does not overwrite it."""

    code = "unreadable-file"


class UnknownInstance(UsageError):
    """An instance is not configured on this machine."""

    code = "unknown-instance"


class MissingDependency(UsageError):
    """A library or program is not installed."""

    code = "missing-dependency"


class Drift(NbrucioError):
    """Declaration, lock and Rucio differ."""

    code = "drift"
    exit_code = 3


class Undeclared(Drift):
    """The code of a notebook uses undeclared data."""

    code = "undeclared"


class Unavailable(NbrucioError):
    """Data is not available now."""

    code = "unavailable"
    exit_code = 4


class DidNotFound(Unavailable):
    """The DID does not exist in the instance."""

    code = "did-not-found"


class NoReplica(Unavailable):
    """A file has no replica that this machine can read."""

    code = "no-replica"


class TransferFailed(Unavailable):
    """All replicas of a file were tried and failed."""

    code = "transfer-failed"


class RucioRefused(Unavailable):
    """Rucio refused a request for a reason without a class of its own here."""

    code = "rucio-refused"


class ConsentNeeded(NbrucioError):
    """The user has not consented, or the account lacks permission."""

    code = "consent-needed"
    exit_code = 5


class NoSpace(NbrucioError):
    """A disk is full, or would be."""

    code = "no-space"
    exit_code = 6


class OverBudget(NoSpace):
    """A download limit or a quota is exceeded."""

    code = "over-budget"


class CredentialsRejected(NbrucioError):
    """Credentials are missing, or the instance or a storage refuses them."""

    code = "credentials"
    exit_code = 7


class Offline(NbrucioError):
    """The instance cannot be reached, or nbrucio is offline, and the data is not cached."""

    code = "offline"
    exit_code = 8


class IntegrityError(NbrucioError):
    """A file differs from its checksum or size in Rucio or in the lock."""

    code = "integrity"
    exit_code = 9


class LockStale(NbrucioError):
    """The lock differs from the declaration or from Rucio."""

    code = "lock-stale"
    exit_code = 10


class Interrupted(NbrucioError):
    """The user stopped the run."""

    code = "interrupted"
    exit_code = 130


#: With several errors, the exit code is the first of these that occurs, from the most serious to the least: damaged
#: data and refused credentials first, drift and missing data last.
SEVERITY = (130, 1, 9, 7, 2, 6, 5, 10, 8, 4, 3)


def exit_code_for(errors: Iterable[NbrucioError]) -> int:
    """Return the exit code of a run with these errors: that of the most serious one, 0 for none."""
    codes = {error.exit_code for error in errors}
    return next((code for code in SEVERITY if code in codes), 0)


def envelope(errors: Iterable[NbrucioError] = (), exit_code: int | None = None) -> dict[str, object]:
    """Return the keys with which every result in JSON begins: ``version``, ``exit_code`` and ``errors``, each once.

    Args:
        exit_code: None means that of the errors.
    """
    distinct = list({id(error): error for error in errors}.values())
    code = exit_code_for(distinct) if exit_code is None else exit_code
    return {"version": 1, "exit_code": code, "errors": [error.as_json() for error in distinct]}


def error_of(facts: Mapping[str, Any]) -> NbrucioError:
    """Return the error that `NbrucioError.as_json` wrote, of the class of its ``code``; `NbrucioError` if unknown."""
    classes = {kind.code: kind for kind in reversed(list(_below(NbrucioError)))}
    kind = classes.get(str(facts.get("code")), NbrucioError)
    words = {name: facts.get(name) for name in ("subject", "hint", "next_command")}
    return kind(str(facts.get("message")), **words)


def _below(kind: type[NbrucioError]) -> Iterator[type[NbrucioError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)
