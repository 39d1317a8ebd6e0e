"""What a request is made of."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Request(NamedTuple):
    """One request. It may be sent twice, because a kept connection may break at any time.

    Attributes:
        method: GET or POST.
        path: what follows the server's URL, quoted.
        body: None for a GET.
    """

    method: str
    path: str
    body: bytes | None = None


class Tls(NamedTuple):
    """How both sides prove who they are. Certificates of servers are always verified.

    Attributes:
        ca: file or folder of the CAs that vouch for the server; None means those that requests would take.
        client_cert, client_key: files in PEM; the key may stand in the certificate's file.
    """

    ca: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None


class Timeouts(NamedTuple):
    """Times in seconds.

    Attributes:
        connect_s: to make a connection.
        read_s: without progress of an answer: its head, a row, or `nbrucio.http.paced.STEP_BYTES`.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
