"""Everything that can go wrong, as one tree.

Each error says what happened (the message), to which DID or file (``subject``), and what to type next
(``next_command``). Its ``exit_code`` is what the command line returns, its ``code`` the stable word that programs
match.

::

    NbrucioError                    1  internal
    ├── CellFailed                  1  cell-failed
    ├── KernelFailed                1  kernel-failed
    ├── UsageError                  2  usage
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

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar


class NbrucioError(Exception):
    """Root of the tree.

    Args:
        message: what happened, one sentence without a final newline.
        subject: the DID, file or setting that it happened to, as text; None when there is none.
        hint: what the user can do about it, one sentence; None when the next command says it all.
        next_command: a command line to type next; None when there is none.
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

    def as_json(self) -> dict[str, str | int | None]:
        """The facts of this error as a JSON-ready mapping."""
        return {
            "code": self.code,
            "exit_code": self.exit_code,
            "message": self.message,
            "subject": self.subject,
            "hint": self.hint,
            "next_command": self.next_command,
        }


class CellFailed(NbrucioError):
    """A cell of a notebook that was executed raised an exception."""

    code = "cell-failed"


class KernelFailed(NbrucioError):
    """The kernel that ran a notebook ended by itself, or did not start."""

    code = "kernel-failed"


class UsageError(NbrucioError):
    """The request itself is wrong."""

    code = "usage"
    exit_code = 2


class BadDid(UsageError):
    """A text is not a DID."""

    code = "bad-did"


class BadNotebook(UsageError):
    """A file is not a notebook that can be read or written."""

    code = "bad-notebook"


class BadDeclaration(UsageError):
    """A notebook's declaration has a fault."""

    code = "bad-declaration"


class ParameterNeeded(BadDeclaration):
    """A requirement takes its DID from a parameter that has no value in this run."""

    code = "parameter-needed"


class BadConfig(UsageError):
    """A configuration file has a fault."""

    code = "bad-config"


class UnreadableFile(UsageError):
    """A file that nbrucio keeps is there, but cannot be read or is damaged. Nothing is written over it."""

    code = "unreadable-file"


class UnknownInstance(UsageError):
    """A declaration names an instance that is not configured on this machine."""

    code = "unknown-instance"


class MissingDependency(UsageError):
    """An optional library is needed and absent."""

    code = "missing-dependency"


class Drift(NbrucioError):
    """A check found that declaration, lock and catalogue differ."""

    code = "drift"
    exit_code = 3


class Undeclared(Drift):
    """A notebook's code uses data that it does not declare."""

    code = "undeclared"


class Unavailable(NbrucioError):
    """Some data cannot be had now."""

    code = "unavailable"
    exit_code = 4


class DidNotFound(Unavailable):
    """The instance does not know the DID."""

    code = "did-not-found"


class NoReplica(Unavailable):
    """No replica of a file can be read from here."""

    code = "no-replica"


class TransferFailed(Unavailable):
    """Every replica of a file was tried and none delivered it."""

    code = "transfer-failed"


class RucioRefused(Unavailable):
    """Rucio answered a request with an error that has no closer name here."""

    code = "rucio-refused"


class ConsentNeeded(NbrucioError):
    """The act needs the user's consent first."""

    code = "consent-needed"
    exit_code = 5


class NoSpace(NbrucioError):
    """The store's file system has no room."""

    code = "no-space"
    exit_code = 6


class OverBudget(NoSpace):
    """The download is larger than the configured limit."""

    code = "over-budget"


class CredentialsRejected(NbrucioError):
    """The instance or a storage refuses the credentials, or there are none."""

    code = "credentials"
    exit_code = 7


class Offline(NbrucioError):
    """The instance cannot be reached, or the network is switched off, and the data is not in the store."""

    code = "offline"
    exit_code = 8


class IntegrityError(NbrucioError):
    """Bytes do not match the catalogue or the lock."""

    code = "integrity"
    exit_code = 9


class LockStale(NbrucioError):
    """The lock no longer matches what is declared or what the catalogue says."""

    code = "lock-stale"
    exit_code = 10


class Interrupted(NbrucioError):
    """The user stopped the run."""

    code = "interrupted"
    exit_code = 130


#: Exit codes from the one that decides first when several errors end one run. Wrong bytes and wrong credentials need a
#: person soonest; what is merely missing comes last.
SEVERITY = (130, 1, 9, 7, 2, 6, 5, 10, 8, 4, 3)


def exit_code_for(errors: Iterable[NbrucioError]) -> int:
    """The one exit code for a run that ended with these errors; 0 for none."""
    codes = {error.exit_code for error in errors}
    return next((code for code in SEVERITY if code in codes), 0)


def error_of(facts: Mapping[str, Any]) -> NbrucioError:
    """The error that `NbrucioError.as_json` wrote, of the class of its ``code``; the root for an unknown one."""
    classes = {kind.code: kind for kind in reversed(list(_below(NbrucioError)))}
    kind = classes.get(str(facts.get("code")), NbrucioError)
    words = {name: facts.get(name) for name in ("subject", "hint", "next_command")}
    return kind(str(facts.get("message")), **words)


def _below(kind: type[NbrucioError]) -> Iterator[type[NbrucioError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)
