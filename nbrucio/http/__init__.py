"""One HTTP client over urllib3 for small answers: catalogues, logins, remote configuration.

Storage is read by libcurl in `nbrucio.transfer`. Nothing here knows Rucio, and importing this room imports no HTTP
library: that is paid with the first request.
"""

from nbrucio.http.client import Client
from nbrucio.http.errors import (
    BadCertificate,
    BrokenOff,
    GivenUp,
    HttpError,
    Malformed,
    NotConnected,
    NotSupported,
    NotTrusted,
    Silent,
    TooLarge,
)
from nbrucio.http.proxy import proxy_named
from nbrucio.http.response import JSON, JSON_LINES, Response
from nbrucio.http.tls_fault import TlsFault, tls_fault
from nbrucio.http.types import Request, Timeouts, Tls

__all__ = [
    "JSON",
    "JSON_LINES",
    "BadCertificate",
    "BrokenOff",
    "Client",
    "GivenUp",
    "HttpError",
    "Malformed",
    "NotConnected",
    "NotSupported",
    "NotTrusted",
    "Request",
    "Response",
    "Silent",
    "Timeouts",
    "Tls",
    "TlsFault",
    "TooLarge",
    "proxy_named",
    "tls_fault",
]
