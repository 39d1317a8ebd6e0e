"""Requests and their settings, as values."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Request(NamedTuple):
    """One request. It may be sent twice, because a reused connection may break at any time.

    Attributes:
        method: GET or POST.
        path: the part of the URL after that of the server, percent-encoded.
        body: None for a GET.
    """

    method: str
    path: str
    body: bytes | None = None


class Tls(NamedTuple):
    """TLS settings. Certificates of servers are always verified.

    Attributes:
        ca: file or folder of CAs for the server's certificate; None means those of requests (REQUESTS_CA_BUNDLE,
            CURL_CA_BUNDLE, certifi).
        client_cert, client_key: PEM files; the key may be in the file of the certificate.
    """

    ca: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None


class Timeouts(NamedTuple):
    """Time limits in seconds.

    Attributes:
        connect_s: to connect.
        read_s: without progress of the response, which is its headers, a row, or `nbrucio.http.body.STEP_BYTES`.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
