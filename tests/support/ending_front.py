"""A front of Rucio that holds a sync in the middle, until the token of its login has ended.

The front spoils ended tokens on their way, so that the refusal is Rucio's own. It accepts replica requests for half of
a sync's files only, as fronts that limit the length of requests do: a sync asks for the second half when files of the
first one are downloaded already.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import trustme

from tests.support.certificates import UserAuthority, client_dn

_TOKEN = "X-Rucio-Auth-Token"
#: Headers of one connection, which http.client and http.server write themselves.
_OF_A_CONNECTION = ("connection", "keep-alive", "transfer-encoding", "content-length", "date", "server")
_HELD_S = 120


@dataclass
class EndingFront:
    """A running front.

    Attributes:
        url: its URL.
        ca: the file of its CA; None without TLS.
        logins: the paths from which Rucio issued a token, one for each.
        tokens: all tokens that it passed on.
        ended: those of them that Rucio refuses.
    """

    url: str
    ca: Path | None
    logins: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    ended: frozenset[str] = frozenset()
    _go_on: threading.Event = field(default_factory=threading.Event)

    def end_tokens(self) -> None:
        """Let every token end that was used until now, and the sync go on."""
        self.ended = frozenset(self.tokens)
        self._go_on.set()

    def wait(self) -> None:
        """Wait until the tokens have ended."""
        assert self._go_on.wait(_HELD_S), "no test ended the tokens"


class _Server(ThreadingHTTPServer):
    """Passes requests on to Rucio at ``backend``; see `ending_front`."""

    def __init__(self, backend: str, most_files: int, ca: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.backend = urlsplit(backend)
        self.most_files = most_files
        self.front = EndingFront(f"http{'s' if ca else ''}://localhost:{self.server_port}", ca)
        self._batches = 0

    def take_batch(self, body: bytes) -> bool:
        """Return whether a request for replicas is short enough; hold the second of those that are."""
        if len(json.loads(body)["dids"]) > self.most_files:
            return False
        self._batches += 1
        if self._batches == 2:
            self.front.wait()
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/replicas/list") and not self.server.take_batch(body):
            self._answer(413, [], b"")
            return
        backend = self.server.backend
        with closing(HTTPConnection(str(backend.hostname), backend.port, timeout=60)) as connection:
            connection.request(self.command, self.path, body, self._headers())
            answer = connection.getresponse()
            if answer.getheader(_TOKEN):
                self.server.front.logins.append(self.path)
            self._answer(answer.status, _kept(answer.getheaders()), answer.read())

    def _headers(self) -> dict[str, str]:
        headers, front = dict(_kept(self.headers.items())), self.server.front
        token = headers.get(_TOKEN)
        if token in front.ended:
            headers[_TOKEN] = f"{token}-ended"
        elif token is not None:
            front.tokens.add(token)
        if isinstance(self.connection, ssl.SSLSocket):
            headers["X-Client-DN"] = client_dn(self.connection)
        return headers

    def _answer(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""


@contextmanager
def ending_front(
    backend: str, most_files: int, folder: Path | None = None, users: UserAuthority | None = None
) -> Iterator[EndingFront]:
    """Run a front before Rucio at ``backend`` during the block.

    Args:
        most_files: the largest number of files in one request for replicas.
        folder: where its CA is written; None for a front without TLS.
        users: the CA of the people whose certificates and proxies it names to Rucio.
    """
    ca = None if folder is None else folder / "front-ca.pem"
    server = _Server(backend, most_files, ca)
    if ca is not None:
        server.socket = _context(ca, users).wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield server.front
    finally:
        server.front.end_tokens()
        server.shutdown()
        serving.join()
        server.server_close()


def _context(ca: Path, users: UserAuthority | None) -> ssl.SSLContext:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(ca)
    if users is not None:
        users.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS
    return context


def _kept(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in headers if name.lower() not in _OF_A_CONNECTION]
