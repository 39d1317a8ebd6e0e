"""Translates every error of a request to Rucio into nbrucio's errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOENT
from shlex import quote

from nbrucio.catalogue.network_errors import (
    BUSY,
    REDIRECTS,
    http_error,
    misconfigured,
    not_rucio,
    out_of_reach,
    redirected,
)
from nbrucio.config import Instance
from nbrucio.core.text import human_seconds, printable
from nbrucio.disk.libraries import missing_library
from nbrucio.disk.system_errors import system_error
from nbrucio.errors import (
    BadConfig,
    CredentialsRejected,
    DidNotFound,
    MissingDependency,
    NbrucioError,
    Offline,
    RucioRefused,
)
from nbrucio.http import HttpError

#: Rucio's exceptions by name, raised by rucio-clients or named in a server's response. Any other is a `RucioRefused`.
BY_NAME: dict[str, type[NbrucioError]] = {
    **dict.fromkeys(("DataIdentifierNotFound", "OpenDataDataIdentifierNotFound", "ScopeNotFound"), DidNotFound),
    **dict.fromkeys(
        (
            "AccessDenied",
            "AccountNotFound",
            "CannotAuthenticate",
            "CannotAuthorize",
            "ErrorLoadingCredentials",
            "IdentityError",
            "IdentityNotFound",
            "NoAuthInformation",
            "ScopeAccessDenied",
            "UnsupportedAccountName",
            "VONotFound",
        ),
        CredentialsRejected,
    ),
    **dict.fromkeys(("ResourceTemporaryUnavailable", "ServerConnectionException", "ServiceUnavailable"), Offline),
    **dict.fromkeys(("MissingDependency", "MissingModuleException"), MissingDependency),
    **dict.fromkeys(
        (
            "ClientParameterMismatch",
            "ClientProtocolNotFound",
            "ClientProtocolNotSupported",
            "ConfigLoadingError",
            "ConfigNotFound",
            "ConnectionParameterNotFound",
            "MissingClientParameter",
        ),
        BadConfig,
    ),
}

_REPORT = "If the request is right, report it to the operators of this Rucio server."

_MAX_WORDS = 200
#: What nginx answers to a client certificate that it does not verify. Rucio itself never does so without a name.
_CERTIFICATE_REFUSED = (400, 495, 496)
#: What fronts answer to a request that exceeds their limits: body, URL, headers. nginx answers 400 to long headers.
_TOO_LONG = (413, 414, 431)
_HEADERS = re.compile("header|cookie", re.IGNORECASE)


class ServerRefusal(Exception):
    """A server's error response.

    Attributes:
        name: Rucio's name for the error; empty if something else answered.
        words: its message, or the title of an HTML page.
        status: the HTTP status.
        location: the target of a redirect.
        retry_after_s: the pause in seconds that the server asks for.
    """

    def __init__(
        self,
        name: str,
        words: str,
        status: int | None,
        *,
        location: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(words)
        self.name = name
        self.words = words
        self.status = status
        self.location = location
        self.retry_after_s = retry_after_s


@contextmanager
def translate_errors(instance: Instance, subject: str | None = None) -> Iterator[None]:
    """Raise only `NbrucioError` from the block, which sends requests about ``subject`` to ``instance``."""
    try:
        yield
    except NbrucioError:
        raise
    except (
        ServerRefusal,
        HttpError,
        OSError,
        # The answer lacks what each of Rucio's has.
        ValueError,
        LookupError,
    ) as error:
        raise error_for(error, instance, subject) from error


def error_for(error: BaseException, instance: Instance, subject: str | None = None) -> NbrucioError:
    """Return the nbrucio error for an error of a request."""
    if isinstance(error, ServerRefusal):
        return _refused(error, instance, subject)
    if isinstance(error, HttpError):
        return http_error(error, instance)
    if isinstance(error, OSError):
        return _os_error(error, instance)
    return not_rucio(instance)


def did_not_found(did: str, instance: Instance) -> DidNotFound:
    """Return the error for a DID that the instance does not have."""
    return DidNotFound(
        f"{printable(did)} does not exist in {instance.name}.",
        subject=did,
        hint="Check the spelling, or search for it.",
        next_command=f"nbrucio search '{did.partition(':')[0]}:*'",
    )


def rejected(instance: Instance, words: str, help_with: str | None = None) -> CredentialsRejected:
    """Return the error for a failed login.

    Args:
        words: the cause, as a phrase.
        help_with: the next action; None for the usual one of this kind of login.
    """
    command = login_command(instance) if help_with is None else None
    types_password = instance.auth_type == "userpass" and command is not None
    hint = help_with or (_ASK_USER if types_password else _LOGIN_HELP[instance.auth_type])
    return CredentialsRejected(
        f"Login to {instance.name} failed: {words}.", subject=instance.name, hint=hint, next_command=command
    )


def tidy(text: str) -> str:
    """Return a server's text for display: one line, printable, at most 200 characters, no final full stop."""
    line = "".join(char if char.isprintable() else " " for char in text)
    short = " ".join(line.split())
    return (short if len(short) <= _MAX_WORDS else short[: _MAX_WORDS - 1] + "…").rstrip(".")


_LOGIN_HELP = {
    "userpass": "Check account, username and password of the instance in your configuration.",
    "x509": "Check client_cert and client_key, and that Rucio knows the certificate for your account.",
    "x509_proxy": "Create a new X.509 proxy; the command runs voms-proxy-init where that is installed.",
    "gss": "Get a new Kerberos ticket; the command runs kinit where that is installed.",
    "ssh": "Check ssh_private_key, and that Rucio knows its public key for your account.",
    "oidc": "Log in again, or give a new token as BEARER_TOKEN or in BEARER_TOKEN_FILE.",
}


_ASK_USER = "Log in with your password, which is saved nowhere."


def login_command(instance: Instance) -> str | None:
    """Return the command that renews this login; None where only the configuration can be corrected."""
    if instance.auth_type in ("x509", "ssh") or instance.credentials.password is not None:
        return None
    return f"nbrucio login {quote(instance.name)}"


#: What a kind of login needs besides rucio-clients, by pip's name.
_LIBRARIES = {"gss": "rucio-clients[kerberos]", "ssh": "rucio-clients[ssh]"}


def _refused(error: ServerRefusal, instance: Instance, subject: str | None) -> NbrucioError:
    words = tidy(error.words.removeprefix(f"{error.name}: ")) or f"HTTP status {error.status}"
    if error.name in BY_NAME:
        return named(BY_NAME[error.name], words, instance, subject)
    if error.status in (401, 403):
        return rejected(instance, words)
    if _is_too_long(error):
        return RucioRefused(
            f"The server in front of {instance.name} refused a request as too long: {words}.",
            subject=subject or instance.name,
            hint="Ask its operators to raise their limit, or use a shorter token or name.",
        )
    if error.status in _CERTIFICATE_REFUSED and not error.name and instance.auth_type in ("x509", "x509_proxy"):
        return rejected(instance, "the server does not accept the certificate")
    if error.status == 400 and not error.name:
        return RucioRefused(
            f"The server in front of {instance.name} refused a request: {words}.",
            subject=subject or instance.name,
            hint="The token or a name may be too long for it. Ask its operators for the reason.",
        )
    if error.status in BUSY:
        return _unavailable(words, instance, error.retry_after_s)
    if error.status in REDIRECTS and error.location:
        return redirected(error.location, instance)
    if error.status == 404 and not error.name:
        return not_rucio(instance)
    return named(RucioRefused, words, instance, subject)


def _is_too_long(error: ServerRefusal) -> bool:
    by_title = error.status == 400 and _HEADERS.search(error.words) is not None
    return not error.name and (error.status in _TOO_LONG or by_title)


def named(kind: type[NbrucioError], words: str, instance: Instance, subject: str | None) -> NbrucioError:
    about = subject or instance.name
    if kind is DidNotFound:
        return did_not_found(about, instance)
    if kind is CredentialsRejected:
        return rejected(instance, words)
    if kind is MissingDependency:
        library = _LIBRARIES.get(instance.auth_type, "rucio-clients")
        return missing_library(library, f"The login to {instance.name} needs {library}: {words}.")
    if kind is BadConfig:
        return misconfigured(instance, words)
    if kind is Offline:
        return _unavailable(words, instance)
    return RucioRefused(f"{instance.name} refused the request: {words}.", subject=about, hint=_REPORT)


def _unavailable(words: str, instance: Instance, retry_after_s: float | None = None) -> Offline:
    message = f"{instance.name} is temporarily unavailable: {words}."
    when = "in a few minutes" if retry_after_s is None else f"in {human_seconds(retry_after_s)}, as the server asks"
    return Offline(message, subject=instance.name, hint=f"Try again {when}.")


def _os_error(error: OSError, instance: Instance) -> NbrucioError:
    """Return the error of a file or disk of this machine; else the connection failed, whose errors name no file."""
    # Libraries for TLS report a missing file without its name. It is not the working folder, as elsewhere.
    local = None if error.filename is None and error.errno == ENOENT else system_error(error)
    return local or out_of_reach(instance, error.strerror or type(error).__name__)
