"""Connections of urllib3 whose responses must make progress. Importing this module imports urllib3.

The timeout of a socket restarts with each byte, so a server that sends a byte now and then would block a thread
forever. urllib3 and http.client also read some lines whole, of any length. So this module counts waiting time and bytes
since the last progress, below both libraries.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import wait_for_read

from nbrucio.core.cancellation import given_up
from nbrucio.http.errors import GivenUp, TooLarge

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Seconds between two checks whether the request was cancelled.
_LOOK_S = 0.5

#: Limit of bytes without progress. Headers and chunk lines need far fewer.
MAX_IDLE_BYTES = 32 * 1024 * 1024


class Pace(io.RawIOBase):
    """The bytes of a socket, with limits of time and amount between two calls of `renew`.

    Args:
        source: the bytes of the socket; closed with this object.
        connection: the socket. Its timeout is the time limit; None means no limit.
    """

    def __init__(self, source: io.RawIOBase, connection: socket.socket) -> None:
        self._source = source
        self._connection = connection
        self._limit_s = connection.gettimeout()
        self._given_up = given_up()
        self.renew()

    def renew(self) -> None:
        """Restart the limits after progress."""
        self._waited_s = 0.0
        self._bytes = 0

    def certificate_ends_at(self) -> float | None:
        """Return when the server's TLS certificate ends, in seconds since the epoch; None without TLS."""
        certificate: Mapping[str, str] = getattr(self._connection, "getpeercert", dict)()
        return ssl.cert_time_to_seconds(certificate["notAfter"]) if certificate else None

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """See `io.RawIOBase`.

        Raises:
            TimeoutError: no progress in time.
            TooLarge: too many bytes without progress.
            GivenUp: the request was cancelled.
        """
        if self._given_up is not None:
            self._wait(self._given_up)
        if self._limit_s is not None:
            self._connection.settimeout(max(0.001, self._limit_s - self._waited_s))
        began = time.monotonic()
        count = self._source.readinto(buffer)
        self._waited_s += time.monotonic() - began
        self._bytes += count or 0
        if self._limit_s is not None and self._waited_s > self._limit_s:
            raise TimeoutError("no progress in time")
        if self._bytes > MAX_IDLE_BYTES:
            raise TooLarge(f"more than {MAX_IDLE_BYTES // 2**20} MiB without one value")
        return count

    def _wait(self, given_up: threading.Event) -> None:
        """Wait for bytes, and check every `_LOOK_S` seconds whether the request was cancelled."""
        began = time.monotonic()
        while True:
            if given_up.is_set():
                raise GivenUp("the request was cancelled")
            # Bytes that TLS has decrypted already are invisible to `wait_for_read`.
            pending = getattr(self._connection, "pending", None)
            if (pending is not None and pending()) or wait_for_read(self._connection, _LOOK_S):
                break
            if self._limit_s is not None and self._waited_s + time.monotonic() - began > self._limit_s:
                raise TimeoutError("no progress in time")
        self._waited_s += time.monotonic() - began

    def close(self) -> None:
        """Close the source, too."""
        self._source.close()
        super().close()


class PacedResponse(http.client.HTTPResponse):
    """A response that is read through a `Pace`."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.pace = Pace(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self.pace)


class _PacedConnection(HTTPConnection):  # type: ignore[misc]  # mypy does not follow urllib3
    response_class = PacedResponse


class _Https(HTTPSConnection):  # type: ignore[misc]
    response_class = PacedResponse


class _HttpPool(HTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _PacedConnection


class _HttpsPool(HTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Https


#: For the attribute ``pool_classes_by_scheme`` of a urllib3 PoolManager.
POOLS = {"http": _HttpPool, "https": _HttpsPool}
