"""Until when the certificates of storage hosts are valid. Sends no credential and no request, only a TLS handshake."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from nbrucio.catalogue.credentials import StorageCredentials, storage_credentials
from nbrucio.config import Config, Instance
from nbrucio.core.files import RseFacts
from nbrucio.disk.read import reason
from nbrucio.errors import NbrucioError
from nbrucio.http import TlsFault, proxy_named, tls_fault
from nbrucio.operations.doctor.servers import certificate
from nbrucio.operations.doctor.values import Finding, Verdict
from nbrucio.transfer.http import UNVERIFIED

#: Largest number of hosts of an instance to ask.
MAX_HOSTS = 24
_AT_ONCE = 8
#: Seconds for a connection, and for each step of the handshake.
_LIMIT_S = 5.0


def storage_certificates(rses: Sequence[RseFacts], instance: Instance, config: Config) -> Iterator[Finding]:
    """Yield when the certificate of each storage host ends that is read over https; of many only of the first."""
    hosts: dict[tuple[str, int], str] = {}
    for rse in rses:
        for address in rse.tls_hosts if rse.readable else ():
            hosts.setdefault(address, rse.name)
    if not hosts:
        return
    asked = dict(list(hosts.items())[:MAX_HOSTS])
    if len(asked) < len(hosts):
        text = f"Of the {len(hosts):,} storage hosts of {instance.name} only {MAX_HOSTS} were asked for certificates."
        yield Finding(instance.name, Verdict.UNCHECKED, text)
    try:
        context = _context(storage_credentials(instance, os.environ, config))
    except (OSError, NbrucioError):
        return  # the CAs cannot be read, which the configuration's findings or each download say
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ends = list(pool.map(lambda address: _end_of(address[0], address[1], context), asked))
    for ((host, port), name), end in zip(asked.items(), ends, strict=True):
        yield from _finding(_url(host, port), name, end)


def _finding(url: str, rse: str, end: float | OSError | str) -> Iterator[Finding]:
    if isinstance(end, ssl.SSLCertVerificationError):
        fault = tls_fault(end)
        text = f"The certificate of {url} cannot be verified: {UNVERIFIED[fault]}."
        hint = f"Report it to the operators of {rse}."
        if fault is TlsFault.UNKNOWN_CA:
            hint = "Set storage_ca of the instance to the CA of this storage."
        yield Finding(rse, Verdict.WARNING, text, hint)
    elif isinstance(end, float):
        yield from certificate(rse, url, end, f"of {rse}")
    else:
        why = reason(end) if isinstance(end, OSError) else end
        yield Finding(rse, Verdict.UNCHECKED, f"The end of the certificate of {url} is unknown: {why}.")


def _context(credentials: StorageCredentials) -> ssl.SSLContext:
    """Return the context with the CAs of a download.

    Raises:
        OSError: they cannot be read.
    """
    ca = credentials.ca
    only = ca is not None and not credentials.with_system_cas
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if only else ssl.create_default_context()
    if ca is not None:
        context.load_verify_locations(None if ca.is_dir() else ca, ca if ca.is_dir() else None)
    return context


def _end_of(host: str, port: int, context: ssl.SSLContext) -> float | OSError | str:
    """Return when the certificate of a host ends, in seconds since the epoch, or why that is unknown."""
    proxy = proxy_named(_url(host, port))
    if proxy is not None:
        return f"it is reached through the proxy {proxy}"
    try:
        with (
            socket.create_connection((host, port), _LIMIT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as encrypted,
        ):
            shown = encrypted.getpeercert() or {}
            return float(ssl.cert_time_to_seconds(str(shown["notAfter"])))
    except OSError as error:
        return error
    except (KeyError, ValueError):  # a name that cannot be one of a host, a date that cannot be read
        return "its name or its certificate cannot be read"


def _url(host: str, port: int) -> str:
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
