"""HTTP to a Rucio server with nothing but the standard library, over a connection that is kept.

Redirects are not followed and no proxy is asked. TLS certificates are always verified.
"""

from __future__ import annotations

import json
import os
import ssl
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

_PIECE_BYTES = 64 * 1024
_GZIP = zlib.MAX_WBITS | 16

#: The types of the answers that are understood: one row a line, or one row in all.
STREAM, SINGLE = "application/x-json-stream", "application/json"


class Question(NamedTuple):
    """One request.

    Attributes:
        method: GET or POST.
        path: what follows the host's URL, quoted.
        body: JSON; None for a GET.
    """

    method: str
    path: str
    body: bytes | None = None


class Unconnected(Exception):
    """There is no connection to the server; the cause says why."""


#: What can go wrong besides `Unconnected`; a `TimeoutError` is a server that stopped answering.
WIRE_FAULTS = (OSError, HTTPException, ValueError, zlib.error)


class Wire:
    """A server that is asked. Threads may share it.

    Args:
        host: its URL, perhaps with a path.
        ca: file or folder of the CAs that vouch for it; None means those that requests would take.
        connect_s, read_s: the time to connect, and between two pieces of an answer.
    """

    def __init__(self, host: str, ca: Path | None, connect_s: float, read_s: float) -> None:
        self._host = urlsplit(host)
        self._ca = ca
        self._connect_s = connect_s
        self._read_s = read_s
        self._lock = threading.Lock()
        self._idle: HTTPConnection | None = None

    def ask(self, question: Question, headers: Mapping[str, str]) -> Answer:
        """The answer, once its head is here. Close it.

        Raises:
            Unconnected: twice.
            one of `WIRE_FAULTS`.
        """
        with self._lock:
            kept, self._idle = self._idle, None
        connection = kept or self._new()
        try:
            response = self._response(connection, question, headers)
        except BaseException:
            connection.close()
            raise
        return Answer(self, connection, response)

    def keep(self, connection: HTTPConnection) -> None:
        """Take back a connection that the next question may use."""
        with self._lock:
            spare, self._idle = self._idle, connection
        if spare is not None:
            spare.close()

    def close(self) -> None:
        """Close the kept connection. Idempotent."""
        with self._lock:
            spare, self._idle = self._idle, None
        if spare is not None:
            spare.close()

    def _response(self, connection: HTTPConnection, question: Question, headers: Mapping[str, str]) -> HTTPResponse:
        try:
            return self._attempt(connection, question, headers)
        except TimeoutError:
            raise
        except (Unconnected, OSError, HTTPException):
            # Once more: a kept connection may break at any time.
            connection.close()
            return self._attempt(connection, question, headers)

    def _attempt(self, connection: HTTPConnection, question: Question, headers: Mapping[str, str]) -> HTTPResponse:
        if connection.sock is None:
            self._connect(connection)
        connection.request(question.method, self._host.path + question.path, question.body, dict(headers))
        return connection.getresponse()

    def _connect(self, connection: HTTPConnection) -> None:
        try:
            connection.connect()
        except OSError as error:
            if connection.sock is None:  # else it is TLS that failed
                raise Unconnected from error
            raise
        connection.sock.settimeout(self._read_s)

    def _new(self) -> HTTPConnection:
        host, port = self._host.hostname or "", self._host.port
        if self._host.scheme == "http":
            return HTTPConnection(host, port, timeout=self._connect_s)
        return HTTPSConnection(host, port, timeout=self._connect_s, context=_tls_context(self._ca))


class Answer:
    """A server's answer, its body still to be read. The connection is given back when all of it was, else closed.

    Attributes:
        status: the HTTP status.
        kind: the type of the body, without parameters.
    """

    def __init__(self, wire: Wire, connection: HTTPConnection, response: HTTPResponse) -> None:
        self.status = response.status
        self.kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        self._wire = wire
        self._connection: HTTPConnection | None = connection
        self._response = response

    def rows(self) -> Iterator[object]:
        """The rows of the body as they come.

        Raises:
            one of `WIRE_FAULTS`: the body breaks off or is not what its type says.
        """
        with closing(self):
            if self.kind == SINGLE:
                content = b"".join(self._pieces())
                self._end()
                yield json.loads(content)
                return
            rest = b""
            for piece in self._pieces():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line:
                        yield json.loads(line)
            self._end()
            if rest:
                yield json.loads(rest)

    def close(self) -> None:
        """Close the connection unless it was given back. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._response.close()
            connection.close()

    def _pieces(self) -> Iterator[bytes]:
        packing = self._response.headers.get("Content-Encoding", "identity").lower()
        if packing not in ("gzip", "identity"):
            raise ValueError(f"a body packed with {packing}")
        unpack = zlib.decompressobj(_GZIP) if packing == "gzip" else None
        while piece := self._response.read1(_PIECE_BYTES):
            yield piece if unpack is None else unpack.decompress(piece)
        # Whether that was all is not looked at by http.client and zlib themselves.
        if self._response.length or (unpack is not None and (not unpack.eof or unpack.unused_data)):
            raise IncompleteRead(b"")

    def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        lasting = not self._response.will_close
        self._response.close()
        if lasting:
            self._wire.keep(connection)
        else:
            connection.close()


def _tls_context(ca: Path | None) -> ssl.SSLContext:
    where = str(ca) if ca else os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not where:
        import certifi  # of which requests is made; where it lacks, so does requests

        where = certifi.where()
    is_folder = Path(where).is_dir()
    return ssl.create_default_context(cafile=None if is_folder else where, capath=where if is_folder else None)
