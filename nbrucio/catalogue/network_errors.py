"""The errors of requests that get no answer, or not the answer of a Rucio server."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

from nbrucio.config import Instance
from nbrucio.errors import BadConfig, Interrupted, NbrucioError, Offline, RucioRefused
from nbrucio.http import (
    BadProxy,
    BrokenOff,
    GivenUp,
    HttpError,
    Malformed,
    NotConnected,
    NotTrusted,
    Silent,
    TlsFault,
    TooLarge,
    proxy_named,
    tls_fault,
)

#: Texts: why a server cannot be reached.
LATE = "the connection timed out"
SILENT = "it stopped answering"
UNCONNECTED = "no connection"
BROKEN_OFF = "its answer broke off"
#: The HTTP statuses of a server that has no time now; 429 is that of one that limits each client.
BUSY = (429, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
#: The longest host name, and a port.
_MAX_HOST = 260
_START_IT = "Start the server on this machine; `nbrucio sandbox start` starts that of a sandbox."
_CONFIGURE = "Correct the settings of this instance."


def http_error(error: HttpError, instance: Instance) -> NbrucioError:
    """Return the error for a failed request."""
    if isinstance(error, Malformed):
        return not_rucio(instance)
    if isinstance(error, TooLarge):
        return RucioRefused(
            f"The answer of {instance.name} exceeds the limits for a Rucio server: {error}.",
            subject=instance.name,
            hint="Check the instance's host, and report it to the operators of this Rucio server.",
        )
    if isinstance(error, NotTrusted):
        return tls_error(error, instance)
    if isinstance(error, NotConnected):
        return unconnected(instance, LATE if error.late else UNCONNECTED)
    if isinstance(error, BadProxy):
        words = f"{instance.name} cannot be asked: {error}."
        return BadConfig(words, subject=error.variable, hint=_past_proxy(error.variable))
    if isinstance(error, Silent):
        return through_proxy(instance, SILENT) or out_of_reach(instance, SILENT)
    if isinstance(error, GivenUp):
        return Interrupted(f"The request to {instance.name} was cancelled.", subject=instance.name)
    if isinstance(error, BrokenOff):
        return through_proxy(instance, BROKEN_OFF) or out_of_reach(instance, BROKEN_OFF)
    return misconfigured(instance, str(error))


def switched_offline(instance: Instance, action: str) -> Offline:
    """Return the error for a request in offline mode; ``action`` is what cannot be done, such as "ask"."""
    return Offline(
        f"nbrucio is offline and cannot {action} {instance.name}.",
        subject=instance.name,
        hint="Unset NBRUCIO_SAFE, or leave out --offline.",
    )


def out_of_reach(instance: Instance, what: str, hint: str | None = None) -> Offline:
    """Return the error for a server that cannot be reached, because of ``what``."""
    hint = hint or "Check the network and the instance's host, then try again."
    return Offline(f"{instance.name} ({instance.host}) cannot be reached: {what}.", subject=instance.name, hint=hint)


def unconnected(instance: Instance, what: str) -> Offline:
    """Return the error for a failed connection; it names the environment's proxy if there is one."""
    is_local = urlsplit(instance.host).hostname in ("127.0.0.1", "::1", "localhost")
    return through_proxy(instance, what) or out_of_reach(instance, what, _START_IT if is_local else None)


def through_proxy(instance: Instance, what: str) -> Offline | None:
    """Return the error for a server that cannot be reached through the environment's proxy; None without one."""
    proxy = proxy_named(instance.host)
    if proxy is None:
        return None
    return out_of_reach(instance, f"{what} through the proxy {proxy}", _past_proxy(proxy.variable))


def _past_proxy(variable: str) -> str:
    return f"Correct or unset {variable}, or add the server to no_proxy, and try again."


def tls_error(error: BaseException, instance: Instance) -> NbrucioError:
    """Return the error for a failed TLS connection."""
    words, hint = _TLS_WORDS[tls_fault(error)]
    return out_of_reach(instance, words, hint)


_TLS_WORDS: dict[TlsFault, tuple[str, str]] = {
    TlsFault.EXPIRED: (
        "its TLS certificate has expired",
        "Check the clock of this machine, then report it to the operators of this Rucio server.",
    ),
    TlsFault.NOT_YET_VALID: (
        "its TLS certificate is not valid yet",
        "Check the clock of this machine, then report it to the operators of this Rucio server.",
    ),
    TlsFault.WRONG_HOST: (
        "its TLS certificate is for another host",
        "Check the spelling of the instance's host.",
    ),
    TlsFault.UNKNOWN_CA: (
        "its TLS certificate is signed by an unknown CA",
        "Set ca_cert of the instance to the server's CA: a file, or a folder such as /etc/grid-security/certificates.",
    ),
    TlsFault.NOT_TLS: ("it does not speak TLS", "Check the scheme and port of the instance's host."),
    TlsFault.CLIENT_REFUSED: (
        "it asks for a client certificate",
        "Set auth_type to x509 or x509_proxy if this server needs one.",
    ),
    TlsFault.BROKEN_OFF: (
        "it ended the TLS connection before it answered",
        "Check the network and the instance's host, then try again.",
    ),
    TlsFault.OTHER: (
        "its TLS certificate cannot be verified",
        "Set ca_cert of the instance to the server's CA.",
    ),
}


def not_rucio(instance: Instance) -> RucioRefused:
    """Return the error for a response that no Rucio server sends."""
    proxy = proxy_named(instance.host)
    front = "A proxy" if proxy is None else f"The proxy {proxy}"
    return RucioRefused(
        f"{instance.name} ({instance.host}) did not answer like a Rucio server.",
        subject=instance.name,
        hint=f"Check the instance's host. {front} or a login page may have answered instead.",
    )


def redirected(location: str, instance: Instance) -> NbrucioError:
    """Return the error for a redirect, which nbrucio does not follow, because requests contain credentials."""
    try:
        here, target = urlsplit(instance.host), urlsplit(urljoin(instance.host, location))
    except ValueError:  # a URL that nobody can read
        return not_rucio(instance)
    if here.scheme == "http" and target.scheme == "https" and target.hostname == here.hostname:
        words = f"{instance.host} redirects to https"
        hint = f"Set its host, and auth_host if there is one, to {_origin(target)}{here.path}."
        return BadConfig(f"{instance.name} cannot be used as configured: {words}.", subject=instance.name, hint=hint)
    return RucioRefused(
        f"{instance.name} ({instance.host}) redirects to {_origin(target)}, which nbrucio does not follow.",
        subject=instance.name,
        hint="Check the instance's host. A login page or another server may have answered instead.",
    )


def _origin(url: SplitResult) -> str:
    """Return scheme, host and port: the rest of a redirect may contain secrets."""
    host = "".join(filter(str.isprintable, url.netloc.rpartition("@")[2]))
    return f"{url.scheme}://{host[:_MAX_HOST]}"


def misconfigured(instance: Instance, words: str) -> BadConfig:
    """Return the error for settings of an instance that cannot be used, and why."""
    return BadConfig(f"{instance.name} cannot be used as configured: {words}.", subject=instance.name, hint=_CONFIGURE)
