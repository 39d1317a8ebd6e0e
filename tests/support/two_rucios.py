"""A Rucio server over TLS with a CA of its own, which notes what each request shows of the client."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

from tests.support.sync_questions import FACTS


@dataclass
class NotingRucio:
    """A running server.

    Attributes:
        url: its URL.
        ca: the file of its CA.
        token: what it issues.
        shown: of each request besides logins: token, account and VO.
        logins: of each login: username, account and VO.
    """

    url: str
    ca: Path
    token: str
    shown: list[tuple[str | None, ...]] = field(default_factory=list)
    logins: list[tuple[str | None, ...]] = field(default_factory=list)


@contextmanager
def noting_rucio(name: str, folder: Path) -> Iterator[NotingRucio]:
    """Run a server during the block; its token is named after it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(folder / f"{name}.pem")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            is_login = self.path.startswith("/auth/")
            names = ("X-Rucio-Username" if is_login else "X-Rucio-Auth-Token", "X-Rucio-Account", "X-Rucio-VO")
            (noted.logins if is_login else noted.shown).append(tuple(map(self.headers.get, names)))
            content = b"" if is_login else FACTS.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if is_login:
                self.send_header("X-Rucio-Auth-Token", noted.token)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    noted = NotingRucio(f"https://127.0.0.1:{server.server_port}", folder / f"{name}.pem", f"token-of-{name}")
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield noted
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
