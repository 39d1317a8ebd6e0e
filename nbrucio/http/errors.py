"""Errors of requests, and the one place that translates urllib3's errors into them.

::

    HttpError
    ├── NotConnected      no connection to the server or the proxy
    ├── NotTrusted        TLS: the server's certificate cannot be verified
    ├── BadCertificate    a CA or certificate file of this machine cannot be used
    ├── BadProxy          the proxy of the environment cannot be used, or asks for a login
    ├── Silent            no progress within the time allowed
    ├── BrokenOff         the connection broke, or the response is not HTTP
    ├── Malformed         the body is not what its type says
    ├── TooLarge          the body exceeds a limit
    └── GivenUp           the request was cancelled, see `nbrucio.core.cancellation`
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager


class HttpError(Exception):
    """A request failed. The text says why, without the name of the server."""


class NotConnected(HttpError):
    """The connection failed.

    Attributes:
        late: whether connecting took too long; False if the connection was refused.
    """

    def __init__(self, text: str, *, late: bool) -> None:
        super().__init__(text)
        self.late = late


class NotTrusted(HttpError):
    """The server's certificate cannot be verified."""


class BadCertificate(HttpError):
    """A CA file, client certificate or key cannot be used."""


class BadProxy(HttpError):
    """The proxy that the environment names cannot be used.

    Attributes:
        variable: the environment variable that names it.
    """

    def __init__(self, text: str, *, variable: str) -> None:
        super().__init__(text)
        self.variable = variable


class Silent(HttpError):
    """The server stopped answering."""


class BrokenOff(HttpError):
    """The response ended too early, or is not HTTP."""


class Malformed(HttpError):
    """The body is not what its type says."""


class TooLarge(HttpError):
    """A line, a value or the decompressed body exceeds a limit."""


class GivenUp(HttpError):
    """The request was cancelled."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate every error of urllib3 in the block into an `HttpError`."""
    try:
        yield
    except HttpError:
        raise
    except Exception as error:
        found = _translated(error)
        if found is None:
            raise
        raise found from error


def _translated(error: Exception) -> HttpError | None:
    from http.client import HTTPException
    from ssl import CertificateError, SSLError

    from urllib3 import exceptions as lib

    # urllib3 1.26 counts NewConnectionError among the timeouts, urllib3 2 does not.
    if isinstance(error, (lib.NewConnectionError, lib.ProxyError)):
        return NotConnected("no connection", late=False)
    if isinstance(error, lib.ConnectTimeoutError):
        return NotConnected("the connection timed out", late=True)
    if isinstance(error, (lib.ReadTimeoutError, TimeoutError)):
        return Silent("no progress within the time allowed")
    if isinstance(error, (lib.SSLError, SSLError, CertificateError)):
        return NotTrusted(str(error))
    if isinstance(error, (lib.HTTPError, HTTPException, OSError, zlib.error)):
        return BrokenOff(str(error))
    return None
