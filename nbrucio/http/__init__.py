"""One HTTP client over urllib3 for small responses: catalogues, logins, remote configuration.

Downloads use libcurl in `nbrucio.transfer`. This room is independent of Rucio. It imports urllib3 only with the first
request, because most commands send none.
"""

from nbrucio.http.client import Client
from nbrucio.http.errors import (
    BadCertificate,
    BadProxy,
    BrokenOff,
    GivenUp,
    HttpError,
    Malformed,
    NotConnected,
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
    "BadProxy",
    "BrokenOff",
    "Client",
    "GivenUp",
    "HttpError",
    "Malformed",
    "NotConnected",
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
