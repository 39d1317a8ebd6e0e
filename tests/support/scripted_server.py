"""A server for faults that a real one does not produce on demand."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import dataclass, field


def answer(body: str | bytes, status: str = "200 OK", kind: str = "application/x-json-stream", **headers: str) -> bytes:
    """An HTTP answer as bytes, complete with its length."""
    content = body if isinstance(body, bytes) else body.encode()
    lines = {"Content-Type": kind, "Content-Length": str(len(content)), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content


#: What Rucio answers to a login.
LOGIN = answer("", kind="application/octet-stream", X_Rucio_Auth_Token="a-fresh-token")


@dataclass(frozen=True)
class Stall:
    """Send this, then stay silent with the connection open."""

    after: bytes = b""


@dataclass(frozen=True)
class Drip:
    """Send this, then one piece again and again, until the client has enough."""

    after: bytes
    piece: bytes
    every_s: float = 0.1


def stream_head(*lines: str) -> bytes:
    """The beginning of a chunked stream with these lines, which never ends."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-json-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = (f"{line}\n".encode() for line in lines)
    return head + b"".join(map(chunk, pieces))


def chunk(content: bytes) -> bytes:
    """One piece of a chunked stream."""
    return b"%x\r\n%s\r\n" % (len(content), content)


@dataclass
class ScriptedServer:
    """Gives its ``answers`` to one connection after the other, the last one again and again.

    Attributes:
        answers: raw HTTP answers; a `Stall` or `Drip` never comes to its end.
        requests: the head of each request that came, as text.
        bodies: the body of each.
        tls: what it shows of itself over https; None for http.
    """

    answers: list[bytes | Stall | Drip] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> ScriptedServer:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._silent: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing a socket does not wake the thread that accepts on it; shutting it down does.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
        for connection in self._silent:
            connection.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            try:
                self._answer(connection)
            except (ssl.SSLError, ConnectionError, TimeoutError):
                # The client does not trust us, has enough, or is none of ours: Jupyter looks for its kernels on ports
                # that were free a moment before.
                connection.close()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True)
        reply = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(reply, Stall):
            self._silent.append(connection)
            self._note(connection)
            connection.sendall(reply.after)
            return
        with connection:
            self._note(connection)
            if isinstance(reply, Drip):
                _drip(connection, reply)
            else:
                connection.sendall(reply)

    def _note(self, connection: socket.socket) -> None:
        head, body = _request(connection)
        if head:  # with TLS 1.3 it is only now that a client shows that it does not trust us
            self.bodies.append(body)
            self.requests.append(head)


def _drip(connection: socket.socket, reply: Drip) -> None:
    try:
        connection.sendall(reply.after)
        while True:
            connection.sendall(reply.piece)
            time.sleep(reply.every_s)
    except OSError:
        return  # the client closed


def _request(connection: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head.decode("latin-1"), body
