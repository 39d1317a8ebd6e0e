"""What one attempt at one replica can come to, and what a file's attempts add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nbrucio.core.files import FileEntry
from nbrucio.core.text import printable
from nbrucio.errors import (
    CredentialsRejected,
    IntegrityError,
    MissingDependency,
    NbrucioError,
    NoReplica,
    TransferFailed,
)


class Attempt(Exception):
    """An attempt ended without the file. ``cause`` is a phrase that completes ``RSE: …``."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class TransientError(Attempt):
    """The same replica may deliver later.

    Args:
        host: whether it speaks against the whole host.
        wait_s: how long the server asks to wait; None when it does not say.
    """

    def __init__(self, cause: str, *, host: bool = False, wait_s: float | None = None) -> None:
        super().__init__(cause)
        self.host = host
        self.wait_s = wait_s


class Unreachable(TransientError):
    """The host cannot be connected to. It is asked once more only, since each time may take long."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause, host=True)


class PermanentError(Attempt):
    """This replica will not deliver; another may."""


class WrongBytes(PermanentError):
    """The replica's bytes are not the catalogue's."""


class Refused(PermanentError):
    """The storage refuses the credentials, or there are none."""


class OutsideRoots(PermanentError):
    """The replica is a file that the configuration does not allow to be read."""


class MissingLibrary(PermanentError):
    """A library that this replica's protocol needs is not installed; ``error`` says how it would be."""

    def __init__(self, error: MissingDependency) -> None:
        super().__init__(error.message.rstrip("."))
        self.error = error


class Stopped(Exception):
    """The run was cancelled; what is here stays for the next one."""


class StoreFault(Exception):
    """The store failed in the middle of an attempt; no storage is to blame."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class Tried:
    """One RSE that did not deliver, and why."""

    rse: str
    fault: Attempt

    def __str__(self) -> str:
        return f"{self.rse}: {self.fault.cause}"


def attempt_error(entry: FileEntry, tried: Tried) -> NbrucioError:
    """The error of one attempt, for those who follow a run."""
    return _error_type([tried])(f"{entry.did} did not come from {tried}.", subject=str(entry.did))


def final_error(entry: FileEntry, tried: Sequence[Tried]) -> NbrucioError:
    """The error of a file that no replica delivered, with the cause of each."""
    unequipped = [one.fault for one in tried if isinstance(one.fault, MissingLibrary)]
    if tried and len(unequipped) == len(tried):
        return unequipped[0].error
    kind = _error_type(tried)
    causes = "; ".join(str(one) for one in tried)
    name = str(entry.did)
    if kind is IntegrityError:
        bad = ", ".join(sorted({one.rse for one in tried if isinstance(one.fault, WrongBytes)}))
        return IntegrityError(
            f"{name} is damaged at {bad}, and no other replica delivered it. {causes}.",
            subject=name,
            hint=f"Report the replica at {bad} to its site or declare it suspicious in Rucio.",
        )
    if kind is CredentialsRejected:
        return CredentialsRejected(
            f"{name} cannot be read with these credentials. {causes}.",
            subject=name,
            hint="Renew the proxy or token of this instance.",
        )
    outside = any(isinstance(one.fault, OutsideRoots) for one in tried)
    hint = "If such files may be read, add their folder to file_roots of this instance in config.toml."
    message = f"{name} could not be read from any replica. {causes}."
    return TransferFailed(message, subject=name, hint=hint if outside else None)


def no_replica(entry: FileEntry, *, tape: bool) -> NbrucioError:
    """The error of a file that cannot even be tried."""
    name = str(entry.did)
    if tape:
        return NoReplica(
            f"{name} is only on tape.",
            subject=name,
            hint="Ask Rucio for a copy on disk.",
            next_command=f"rucio rule add --copies 1 --rses RSE {printable(name)}",
        )
    return NoReplica(f"{name} has no replica that can be read from here.", subject=name)


def _error_type(tried: Sequence[Tried]) -> type[NbrucioError]:
    """What needs a person soonest decides."""
    if any(isinstance(one.fault, WrongBytes) for one in tried):
        return IntegrityError
    if any(isinstance(one.fault, Refused) for one in tried):
        return CredentialsRejected
    return TransferFailed
