"""A storage server over TLS with a CA of its own, which notes what each request shows of the client."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

from tests.support.certificates import UserAuthority

#: The bytes of each of its files.
CONTENT = b"x"


@dataclass
class NotingStorage:
    """A running server.

    Attributes:
        url: its URL.
        ca: the file of its CA.
        shown: of each request: the path, the header Authorization, and the client's certificate in DER.
    """

    url: str
    ca: Path
    shown: list[tuple[str, str | None, bytes | None]] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


@contextmanager
def noting_storage(
    name: str, folder: Path, users: UserAuthority, accepts: Callable[[str | None, bytes | None], bool] | None = None
) -> Iterator[NotingStorage]:
    """Run a server during the block; it accepts certificates and proxies of ``users``.

    Args:
        accepts: judges the header Authorization and the certificate of each request, which then has a connection of its
            own; None accepts all.
    """
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(folder / f"{name}.pem")
    users.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if accepts is None else "HTTP/1.0"

        def handle(self) -> None:
            try:
                self.request.do_handshake()
            except ssl.SSLError:
                # A request may be here already. To close over it would reset the connection, and lose the alert.
                plain = socket.socket(fileno=self.request.detach())
                plain.shutdown(socket.SHUT_WR)
                plain.settimeout(5)
                with plain:
                    while plain.recv(65536):
                        pass
            except OSError:
                return
            else:
                super().handle()

        def do_GET(self) -> None:
            assert isinstance(self.connection, ssl.SSLSocket)
            shown = self.headers["Authorization"], self.connection.getpeercert(True)
            noted.shown.append((self.path, *shown))
            content = CONTENT if accepts is None or accepts(*shown) else None
            self.send_response(403 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Write no log."""

    server = _Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    noted = NotingStorage(f"https://127.0.0.1:{server.server_port}", folder / f"{name}.pem")
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield noted
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
