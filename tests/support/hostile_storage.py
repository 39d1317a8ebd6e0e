"""A storage server that misbehaves on demand: the first part of a path says how."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.certificates import UserAuthority

_PROXY_INFO = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14")
_INHERIT_ALL = bytes.fromhex("2b06010505071501")  # 1.3.6.1.5.5.7.21.1

GOOD = bytes(range(256)) * 2000
#: Slow enough to be interrupted, quick enough to end.
_SLICE = 20_000
_ENDLESS_BYTES = 50_000_000


@dataclass
class Request:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    sent: int = 0

    @property
    def offset(self) -> int:
        """The first byte that was asked for."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])

    @property
    def end(self) -> int:
        """The byte after the last one that was asked for."""
        last = self.headers.get("range", "").partition("-")[2]
        return int(last) + 1 if last else len(GOOD)


@dataclass
class Hostile:
    """The server: threads of this process on a free port of loopback.

    Attributes:
        client_ca: who must have signed the certificate that a client shows; None asks for none.
        shown: the certificate that it shows; None for a good one.
        open_connections: how many there are now.
    """

    ca: trustme.CA
    tls: bool = True
    client_ca: trustme.CA | UserAuthority | None = None
    shown: trustme.LeafCert | None = None
    requests: list[Request] = field(default_factory=list)
    open_connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (self.shown or self.ca.issue_cert("localhost", "127.0.0.1")).configure_cert(self._context)
        if self.client_ca is not None:
            self.client_ca.configure_trust(self._context)
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS  # as grid storage does
        self._closed = threading.Event()
        self._failures: dict[str, int] = {}
        self._tickets = 0
        self._running = 0
        self._several = threading.Event()
        self.gate = threading.Event()
        self._guard = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def were_several(self) -> bool:
        """Whether it worked on two requests at the same time."""
        return self._several.is_set()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def url(self, path: str, host: str = "localhost") -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}/{path}"

    def close(self) -> None:
        self._closed.set()
        self.gate.set()
        self._several.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._guard:
            self.open_connections += 1
        try:
            if self.tls:
                connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                try:
                    connection.do_handshake()
                except ssl.SSLError:
                    # A request may be here already. To close over it would reset the connection, and lose the alert.
                    connection = socket.socket(fileno=connection.detach())
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(5)
                    while connection.recv(65536):
                        pass
                    return
            while (request := _read(connection)) is not None:
                self.requests.append(request)
                act: Callable[[socket.socket, Request], bool] = getattr(self, "_do_" + request.path.split("/")[1])
                with self._guard:
                    self._running += 1
                    if self._running > 1:
                        self._several.set()
                try:
                    if not act(connection, request):
                        return
                finally:
                    with self._guard:
                        self._running -= 1
        except OSError:
            return
        finally:
            connection.close()
            with self._guard:
                self.open_connections -= 1

    # Each answers one request and says whether the connection can be used again.

    def _do_good(self, connection: socket.socket, request: Request) -> bool:
        self._send_range(connection, request, 'ETag: "v1"\r\n')
        return True

    def _send_range(
        self,
        connection: socket.socket,
        request: Request,
        extra: str = "",
        *,
        end: int | None = None,
        shown: str | None = None,
        content: bytes = GOOD,
    ) -> None:
        """The requested range; ``shown`` replaces the Content-Range and ``end`` the end."""
        if "range" not in request.headers:
            _send(connection, request, "200 OK", content, extra)
            return
        end = min(request.end, len(GOOD)) if end is None else end
        shown = shown or f"bytes {request.offset}-{end - 1}/{len(GOOD)}"
        _send(connection, request, "206 Partial", content[request.offset : end], f"Content-Range: {shown}\r\n{extra}")

    # Answers to requests for parts.

    def _do_whole(self, connection: socket.socket, request: Request) -> bool:
        """200 with the whole file, whatever range was asked for."""
        _send(connection, request, "200 OK", GOOD)
        return True

    def _do_front(self, connection: socket.socket, request: Request) -> bool:
        """Ranges from the first byte only; the whole file for any other."""
        if request.offset:
            return self._do_whole(connection, request)
        return self._do_good(connection, request)

    def _do_shifted(self, connection: socket.socket, request: Request) -> bool:
        """Content-Range tells of other bytes than were asked for."""
        first = request.offset + (10 if request.offset else 0)
        self._send_range(connection, request, shown=f"bytes {first}-{request.end - 1}/{len(GOOD)}")
        return True

    def _do_versions(self, connection: socket.socket, request: Request) -> bool:
        """Another ETag for each range."""
        self._send_range(connection, request, f'ETag: "v{request.offset}"\r\n')
        return True

    def _do_mixed(self, connection: socket.socket, request: Request) -> bool:
        """Parts of another version, without a word."""
        is_other = "range" in request.headers and request.offset
        self._send_range(connection, request, content=bytes(len(GOOD)) if is_other else GOOD)
        return True

    def _do_sizes(self, connection: socket.socket, request: Request) -> bool:
        """Another total size for each range after the first."""
        total = len(GOOD) + (1 if request.offset else 0)
        self._send_range(connection, request, shown=f"bytes {request.offset}-{request.end - 1}/{total}")
        return True

    def _do_less(self, connection: socket.socket, request: Request) -> bool:
        """Half of each range, which HTTP allows."""
        end = (request.offset + min(request.end, len(GOOD)) + 1) // 2
        self._send_range(connection, request, end=end)
        return True

    def _do_more(self, connection: socket.socket, request: Request) -> bool:
        """More than each range."""
        self._send_range(connection, request, end=min(len(GOOD), request.end + 1000))
        return True

    def _do_together(self, connection: socket.socket, request: Request) -> bool:
        """Each range but the first waits until another one was asked for."""
        if request.offset:
            self._several.wait(30)
        return self._do_good(connection, request)

    def _do_gate(self, connection: socket.socket, request: Request) -> bool:
        """The second half of the file waits until the gate opens."""
        if request.end > len(GOOD) // 2:
            self.gate.wait(30)
        return self._do_good(connection, request)

    def _do_once(self, connection: socket.socket, request: Request) -> bool:
        """A door: each request is sent to a place of its own."""
        self._tickets += 1
        _send(connection, request, "307 Moved", b"", f"Location: /ticket/{self._tickets}\r\n")
        return True

    def _do_ticket(self, connection: socket.socket, request: Request) -> bool:
        """A place that serves once."""
        if self._failed(request.path, 1):
            _send(connection, request, "404 Gone", b"")
            return True
        return self._do_good(connection, request)

    def _do_short(self, connection: socket.socket, request: Request) -> bool:
        _send(connection, request, "200 OK", GOOD[:-5])
        return True

    def _do_cut(self, connection: socket.socket, request: Request) -> bool:
        """The connection ends long before the length that was promised."""
        _send(connection, request, "200 OK", GOOD[:1000], length=len(GOOD))
        return False

    def _do_fades(self, connection: socket.socket, request: Request) -> bool:
        """The connection ends once, and then the server is busy for good."""
        if not self._failed(request.path, 1):
            return self._do_cut(connection, request)
        _send(connection, request, "503 Busy", b"")
        return True

    def _do_ssh(self, connection: socket.socket, _request: Request) -> bool:
        """Another protocol than HTTP."""
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        return False

    def _do_long(self, connection: socket.socket, request: Request) -> bool:
        _send(connection, request, "200 OK", GOOD + b"!")
        return True

    def _do_endless(self, connection: socket.socket, request: Request) -> bool:
        """No length, and no end as far as anybody should ask: a client that would never stop must not fill the disk."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not self._closed.is_set() and request.sent < _ENDLESS_BYTES:
            connection.sendall(GOOD)
            request.sent += len(GOOD)
        return False

    def _do_wrong(self, connection: socket.socket, request: Request) -> bool:
        _send(connection, request, "200 OK", b"\0" * len(GOOD))
        return True

    def _do_norange(self, connection: socket.socket, request: Request) -> bool:
        """200 where a 206 was asked for; the first time only half comes."""
        if request.offset == 0 and not self._failed(request.path, 1):
            _send(connection, request, "200 OK", GOOD[: len(GOOD) // 2], length=len(GOOD))
            return False
        _send(connection, request, "200 OK", GOOD)
        return True

    def _do_otherrange(self, connection: socket.socket, request: Request) -> bool:
        """A 206 with another part than was asked for."""
        if request.offset == 0 and not self._failed(request.path, 1):
            _send(connection, request, "200 OK", GOOD[: len(GOOD) // 2], length=len(GOOD))
            return False
        if request.offset:
            _send(
                connection,
                request,
                "206 Partial",
                GOOD[10:],
                f"Content-Range: bytes 10-{len(GOOD) - 1}/{len(GOOD)}\r\n",
            )
        else:
            _send(connection, request, "200 OK", GOOD)
        return True

    def _do_changed(self, connection: socket.socket, request: Request) -> bool:
        """Half of an old version, then, since the validator no longer holds, the whole new one."""
        if not self._failed(request.path, 1):
            _send(connection, request, "200 OK", b"\1" * 1000, 'ETag: "old"\r\n', length=len(GOOD))
            return False
        matches = request.headers.get("if-range") == '"new"'
        _send(connection, request, "206 No" if matches else "200 OK", GOOD, 'ETag: "new"\r\n')
        return True

    def _do_swapped(self, connection: socket.socket, request: Request) -> bool:
        """The beginning of an old version, then the rest of the new one, although the validator no longer holds."""
        if not self._failed(request.path, 1):
            _send(connection, request, "200 OK", b"\1" * 1000, 'ETag: "old"\r\n', length=len(GOOD))
            return False
        self._send_range(connection, request, 'ETag: "new"\r\n')
        return True

    def _do_stall(self, connection: socket.socket, request: Request) -> bool:
        _send(connection, request, "200 OK", GOOD[:1000], length=len(GOOD))
        self._closed.wait(60)
        return False

    def _do_mute(self, _connection: socket.socket, _request: Request) -> bool:
        """Accepts and says nothing."""
        self._closed.wait(60)
        return False

    def _do_trickle(self, connection: socket.socket, request: Request) -> bool:
        """Never silent for long, and never done."""
        _send(connection, request, "200 OK", b"", length=len(GOOD))
        for byte in GOOD:
            connection.sendall(bytes([byte]))
            if self._closed.wait(0.05):
                break
        return False

    def _do_slow(self, connection: socket.socket, request: Request) -> bool:
        """About 200 kB/s, with ranges."""
        start = request.offset
        status, extra = (
            ("206 Partial", f"Content-Range: bytes {start}-{len(GOOD) - 1}/{len(GOOD)}\r\n")
            if start
            else ("200 OK", "")
        )
        _send(connection, request, status, b"", extra, length=len(GOOD) - start)
        for place in range(start, len(GOOD), _SLICE):
            connection.sendall(GOOD[place : place + _SLICE])
            request.sent += len(GOOD[place : place + _SLICE])
            time.sleep(0.1)
        return True

    def _do_reset(self, connection: socket.socket, request: Request) -> bool:
        _send(connection, request, "200 OK", GOOD[:1000], length=len(GOOD))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def _do_status(self, connection: socket.socket, request: Request) -> bool:
        """/status/404/… answers 404."""
        _send(connection, request, request.path.split("/")[2] + " Whatever", b"no")
        return True

    def _do_needs(self, connection: socket.socket, request: Request) -> bool:
        """/needs/TOKEN/… answers 401 to any other token."""
        if request.headers.get("authorization") == f"Bearer {request.path.split('/')[2]}":
            return self._do_good(connection, request)
        _send(connection, request, "401 Unauthorized", b"no")
        return True

    def _do_storm(self, connection: socket.socket, request: Request) -> bool:
        """503 for the first two requests of a path, then well; /storm/9/… asks for a pause of 9 s."""
        if self._failed(request.path, 2):
            return self._do_good(connection, request)
        pause = next((part for part in request.path.split("/")[2:3] if part.isdigit()), "0")
        _send(connection, request, "503 Busy", b"", f"Retry-After: {pause}\r\n")
        return True

    def _do_late(self, connection: socket.socket, request: Request) -> bool:
        """/late/200/… ends with a trailer that reports this status; unless it is 200, after half of the file."""
        status = request.path.split("/")[2]
        body = GOOD if status == "200" else GOOD[: len(GOOD) // 2]
        head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Transfer-Status\r\n\r\n"
        end = f"\r\n0\r\nX-Transfer-Status: {status}: Whatever\r\n\r\n"
        connection.sendall(f"{head}{len(body):x}\r\n".encode() + body + end.encode())
        return True

    def _do_loop(self, connection: socket.socket, request: Request) -> bool:
        _send(connection, request, "302 Found", b"", f"Location: {request.path}/x\r\n")
        return True

    def _do_to(self, connection: socket.socket, request: Request) -> bool:
        """/to/URL redirects to URL."""
        _send(connection, request, "307 Moved", b"", f"Location: {request.path.removeprefix('/to/')}\r\n")
        return True

    def _failed(self, path: str, times: int) -> bool:
        """Whether ``path`` was asked for so many times before."""
        self._failures[path] = self._failures.get(path, 0) + 1
        return self._failures[path] > times


def _range(start: int) -> str:
    return f"Content-Range: bytes {start}-{len(GOOD) - 1}/{len(GOOD)}\r\n"


def _read(connection: socket.socket) -> Request | None:
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return None
        text += byte
    first, *lines = text.decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(first.split(" ")[1], headers)


def _send(
    connection: socket.socket, request: Request, status: str, body: bytes, extra: str = "", length: int | None = None
) -> None:
    length = len(body) if length is None else length
    connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{extra}\r\n".encode() + body)
    request.sent += len(body)


def write_ca(ca: trustme.CA, folder: Path) -> Path:
    """The CA's certificate as a file."""
    path = folder / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return path


def write_proxy(ca: trustme.CA, folder: Path) -> Path:
    """An X.509 proxy (RFC 3820) of a user whom ``ca`` knows: its certificate, its key, the user's certificate."""
    user = ca.issue_cert("physicist@example.org")
    certificate = x509.load_pem_x509_certificate(user.cert_chain_pems[0].bytes())
    user_key = serialization.load_pem_private_key(user.private_key_pem.bytes(), None)
    assert isinstance(user_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    number = x509.random_serial_number()
    name = x509.Name([*certificate.subject, x509.NameAttribute(x509.NameOID.COMMON_NAME, str(number))])
    proxy = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(certificate.subject)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
        # proxyCertInfo without a limit of further proxies, policy "inherit all".
        .add_extension(
            x509.UnrecognizedExtension(_PROXY_INFO, b"\x30\x0c\x30\x0a\x06\x08" + _INHERIT_ALL), critical=True
        )
        .add_extension(x509.KeyUsage(True, *[False] * 8), critical=True)
        .sign(user_key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "x509up"
    path.write_bytes(
        proxy.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(pem)
    )
    return path
