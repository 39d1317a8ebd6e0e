"""The errors of an upload in nbrucio's words; those of Rucio and rucio-clients go to the log. Runs in the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.disk.read import reason
from nbrucio.errors import (
    ConsentNeeded,
    CredentialsRejected,
    NbrucioError,
    OverBudget,
    RucioRefused,
    TransferFailed,
    Unavailable,
    UnreadableFile,
    UsageError,
)

_AGAIN = "Try again; uploaded files are skipped."
#: Parts of rucio-clients' words about a failed transfer, in lower case, and the reason that they mean.
_REASONS = (
    (("checksum", "filesize", "corrupted"), "the bytes that arrived differ from the file, which may have changed"),
    (("too long", "errno 36"), "its name is too long for the storage"),
    (("no space", "quota", "507", "errno 28"), "the storage is full"),
    (("permission", "denied", "forbidden", "401", "403", "read-only"), "the storage refuses writing"),
    (("timed out", "timeout", "connect", "unreachable", "resolve"), "the storage does not answer"),
    (("already exists", "different pfn"), "the storage already has another file of this name"),
    (("x509_user_proxy", "certificate", "token"), "the storage wants another login"),
)


def transfer_reason(words: str) -> str:
    """Return the reason of a failed transfer that rucio-clients' ``words`` mean."""
    low = words.lower()
    return next(
        (meant for parts, meant in _REASONS if any(part in low for part in parts)), "the storage did not accept it"
    )


class UploadErrors:
    """Translates every error of one upload to `NbrucioError`.

    Args:
        instance: the Rucio server.
        rse, scope: the destination.
        detail: receives the words of Rucio and rucio-clients.

    Attributes:
        own_scope: whether the scope is one of the user's own; another one may be refused.
    """

    def __init__(self, instance: Instance, rse: str, scope: str, detail: Callable[[str], None]) -> None:
        self._instance = instance
        self._rse = rse
        self._scope = scope
        self.detail = detail
        self.own_scope = False

    @contextmanager
    def translated(self, path: Path | None = None, did: Did | None = None) -> Iterator[None]:
        """Raise nothing but `NbrucioError` from the block, which sends ``path`` as ``did``, or prepares to."""
        from rucio.common.exception import RucioException

        from nbrucio.catalogue.child.clients_errors import client_errors, words_of

        subject = str(did) if did else None
        try:
            with client_errors(self._instance, subject):
                try:
                    yield
                except OSError as error:
                    if path is None or error.filename is None or Path(error.filename) != path:
                        raise
                    raise _unreadable(path, error) from error
                except RucioException as error:
                    self.detail(f"{type(error).__name__}: {words_of(error)}")
                    known = self._known(error, did)
                    if known is None:
                        raise
                    raise known from error
        except CredentialsRejected as error:
            raise self._login_ended() from error
        except RucioRefused as error:
            raise self._refused(did) from error

    @contextmanager
    def permitted(self, act: str, dataset: Did) -> Iterator[None]:
        """Raise `ConsentNeeded` about ``dataset`` if Rucio does not let the account ``act``, such as ``create``."""
        from rucio.common.exception import AccessDenied

        from nbrucio.catalogue.child.clients_errors import words_of

        try:
            yield
        except AccessDenied as error:
            self.detail(f"{type(error).__name__}: {words_of(error)}")
            raise ConsentNeeded(
                f"Your account lacks permission to {act} the dataset {dataset} in {self._instance.name}.",
                subject=str(dataset),
                hint=f"Name a dataset in a scope of your own, or ask the owner of the scope {dataset.scope}.",
            ) from error

    def transfer_failed(self, did: Did, words: str) -> TransferFailed:
        """Return the error of a file that the storage did not accept; ``words`` are rucio-clients'."""
        self.detail(f"{did}: {words or 'rucio-clients gives no reason'}")
        return TransferFailed(
            f"The upload of {did} to {self._rse} failed: {transfer_reason(words)}.", subject=str(did), hint=_AGAIN
        )

    def not_permitted(self) -> ConsentNeeded:
        """Return the error of an account that may not write there: to another account's scope, or to the RSE."""
        name, subject = self._instance.name, self._rse if self.own_scope else self._scope
        place = (
            f"add files at {self._rse} of {name}" if self.own_scope else f"write to the scope {self._scope} of {name}"
        )
        return ConsentNeeded(
            f"Your account lacks permission to {place}.",
            subject=subject,
            hint="Ask the operators of this Rucio server which RSEs and scopes you may write to.",
        )

    def _known(self, error: Exception, did: Did | None) -> NbrucioError | None:
        from rucio.common import exception as rucio

        if isinstance(error, rucio.InsufficientAccountLimit):
            return OverBudget(
                f"The upload exceeds your quota at {self._rse} of {self._instance.name}.",
                subject=self._rse,
                hint="Remove rules that you no longer need, or ask the RSE's operators for more.",
            )
        if isinstance(error, rucio.AccessDenied):
            return self.not_permitted()
        if isinstance(error, rucio.InvalidObject) and did is not None:
            return UsageError(
                f"{self._instance.name} does not allow the name {printable(did.name)}.",
                subject=str(did),
                hint="Rename the file: most servers allow letters, digits, '.', '-' and '_'.",
            )
        if isinstance(error, rucio.RSEProtocolNotSupported):
            return Unavailable(
                f"{self._rse} has no protocol for uploads from here.", subject=self._rse, hint="Choose another RSE."
            )
        return None

    def _login_ended(self) -> CredentialsRejected:
        name = self._instance.name
        return CredentialsRejected(
            f"The login to {name} ended during the upload.",
            subject=name,
            hint="Log in again, then try again; uploaded files are skipped.",
            next_command=f"nbrucio login {name}",
        )

    def _refused(self, did: Did | None) -> RucioRefused:
        return RucioRefused(
            f"{self._instance.name} refused {f'to register {did}' if did else 'the upload'}.",
            subject=str(did) if did else None,
            hint="If the request is right, report it with the server's answer to its operators.",
        )


def _unreadable(path: Path, error: OSError) -> UsageError:
    if isinstance(error, FileNotFoundError):
        return UsageError(
            f"{printable(path.name)} was removed before it was sent.",
            subject=str(path),
            hint="Choose the files again.",
        )
    return UnreadableFile(
        f"{printable(path.name)} cannot be read: {reason(error)}.",
        subject=str(path),
        hint="Make it readable for you, then try again.",
    )
