"""Errors of one attempt at one replica, and the error of a file after all its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nbrucio.core.files import FileEntry, Replica
from nbrucio.core.text import plural, printable
from nbrucio.errors import (
    CredentialsRejected,
    IntegrityError,
    MissingDependency,
    NbrucioError,
    TransferFailed,
    Unavailable,
)

_SHOWN_CAUSES = 3
_ALLOW = "If such files may be read, add their folder to file_roots of this instance in config.toml."
_ELSEWHERE = "Try again later, or name other RSEs with --rse."
_LATER = "Try again later. The next sync resumes partial downloads."
_REPORT = "Report the replicas to their sites, or ask for a copy elsewhere: `nbrucio stage NOTEBOOK HANDLE`."


class Attempt(Exception):
    """An attempt failed. ``cause`` is a phrase that completes ``RSE: …``."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause

    def happened_at(self, host: str, port: int | None) -> None:
        """Add to the cause the server to which a door or a cache redirected the request."""
        address = host if port in (None, 80, 443) else f"{host}:{port}"
        self.cause += f" (at {printable(address)}, where it redirects to)"


class TransientError(Attempt):
    """The same replica may work later.

    Args:
        host: whether the error is one of the whole host.
        busy: whether a host that serves other files at the same time has this error when it has too many requests.
        wait_s: seconds that the server asks to wait; None when it does not say.
    """

    def __init__(self, cause: str, *, host: bool = False, busy: bool = False, wait_s: float | None = None) -> None:
        super().__init__(cause)
        self.host = host
        self.busy = busy
        self.wait_s = wait_s


class NoParts(TransientError):
    """The storage does not send parts of this file as requested; it may send the whole file."""


class Unreachable(TransientError):
    """No connection to the host. It is tried only once more, because each try may take long."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause, host=True, busy=True)


class Shortage(TransientError):
    """This machine gives no more open files or memory, as ``error`` says. Fewer requests at a time may need less."""

    def __init__(self, error: Unavailable) -> None:
        super().__init__(error.message.rstrip("."), busy=True)
        self.error = error


class TooSlow(Attempt):
    """This replica would take long for the rest of the file, and ``faster`` is faster, or may be. ``cause`` is a phrase
    that completes ``RSE …``.
    """

    def __init__(self, cause: str, faster: Replica) -> None:
        super().__init__(cause)
        self.faster = faster


class PermanentError(Attempt):
    """This replica will not work; another may."""


class WrongBytes(PermanentError):
    """The replica's size or checksum differs from the catalogue's."""


class Refused(PermanentError):
    """The storage rejects the credentials, or there are none."""


class OutsideRoots(PermanentError):
    """The configuration does not allow the replica's path to be read."""


class MissingLibrary(PermanentError):
    """A library for this replica's protocol is not installed; ``error`` says how to install it."""

    def __init__(self, error: MissingDependency) -> None:
        super().__init__(error.message.rstrip("."))
        self.error = error


class Stopped(Exception):
    """The run was cancelled. Partial files stay for the next run."""


class Yielded(Exception):
    """The attempt was ended because its host is overloaded. It continues later, and does not count as failed."""


class StoreError(Exception):
    """The store failed during an attempt, not the storage. ``error`` is the cause."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class Tried:
    """An RSE that failed, and why."""

    rse: str
    error: Attempt

    def __str__(self) -> str:
        return f"{self.rse}: {self.error.cause}"


def attempt_error(entry: FileEntry, tried: Tried) -> NbrucioError:
    """Return the error of one attempt, for progress reports."""
    return _error_type([tried])(
        f"The download of {entry.did} from {tried.rse} failed: {tried.error.cause}.", subject=str(entry.did)
    )


def final_error(entry: FileEntry, tried: Sequence[Tried], untried: int = 0) -> NbrucioError:
    """Return the error of a file whose replicas failed, with the first causes.

    Args:
        untried: the number of further replicas, which were not tried because too many had failed.
    """
    missing = [one.error for one in tried if isinstance(one.error, MissingLibrary)]
    if tried and len(missing) == len(tried):
        return missing[0].error
    short = next((one.error.error for one in tried if isinstance(one.error, Shortage)), None)
    if short is not None:
        return Unavailable(f"{entry.did} was not downloaded: {short.message}", subject=str(entry.did), hint=short.hint)
    kind = _error_type(tried)
    causes = _causes(tried) + (f". {len(tried)} of {len(tried) + untried} replicas were tried" if untried else "")
    name = str(entry.did)
    if kind is IntegrityError:
        bad = ", ".join(sorted({one.rse for one in tried if isinstance(one.error, WrongBytes)}))
        return IntegrityError(
            f"{name} is damaged at {bad}, and no other replica could be downloaded. {causes}.",
            subject=name,
            hint=f"Report the replica at {bad} to its site, or declare it suspicious in Rucio.",
        )
    if kind is CredentialsRejected:
        return CredentialsRejected(
            f"The storage refuses your credentials for {name}. {causes}.",
            subject=name,
            hint="Renew the proxy or token of this instance.",
        )
    outside = any(isinstance(one.error, OutsideRoots) for one in tried)
    if untried and not outside:
        words = f"{name} could not be read from the replicas that were tried. {causes}."
        return TransferFailed(words, subject=name, hint=_ELSEWHERE)
    hint = _ALLOW if outside else _LATER if any(isinstance(one.error, TransientError) for one in tried) else _REPORT
    return TransferFailed(f"{name} could not be read from any replica. {causes}.", subject=name, hint=hint)


def _causes(tried: Sequence[Tried]) -> str:
    """Return the causes of the first replicas. Those of others were reported when the next one was tried."""
    shown = [str(one) for one in tried[:_SHOWN_CAUSES]]
    others = len(tried) - len(shown)
    return "; ".join([*shown, f"and {plural(others, 'more replica')}"] if others else shown)


def _error_type(tried: Sequence[Tried]) -> type[NbrucioError]:
    """Return the type of the most serious error."""
    if any(isinstance(one.error, WrongBytes) for one in tried):
        return IntegrityError
    if any(isinstance(one.error, Refused) for one in tried):
        return CredentialsRejected
    return TransferFailed
