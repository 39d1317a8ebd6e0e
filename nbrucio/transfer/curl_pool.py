"""Persistent HTTP connections by libcurl, whose waits another thread can end."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbrucio.transfer.types import StorageAccess, TransferLimits
from nbrucio.transfer.urls import Origin

if TYPE_CHECKING:
    import pycurl

#: Bytes that libcurl reads from a connection at a time.
_BUFFER_BYTES = 1 << 18
_USER_AGENT = "nbrucio"
#: Seconds after which a connection that was not needed is closed while others are: a server may count it.
_IDLE_S = 0.25


class ConnectionKey(NamedTuple):
    """Requests with an equal key may share a connection.

    Attributes:
        origin: the server.
        with_certificate: whether the connection presents our client certificate.
        certificate: its state; a renewed one needs a new connection, since both sides remember the old one.
    """

    origin: Origin
    with_certificate: bool
    certificate: tuple[object, ...] = ()


class CurlHandle:
    """A libcurl handle with its connection. Used by one thread at a time.

    Attributes:
        curl: the handle.
        buffer: a buffer for the caller. A reused one stays in the CPU cache.
        used_s: when it was used last.

    Args:
        options: libcurl options for all requests, by name without ``CURLOPT_``.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        import pycurl

        self._guard = threading.Lock()
        self._sockets: set[int] = set()
        self._is_shut = False
        self.used_s = 0.0
        self.buffer = memoryview(bytearray(_BUFFER_BYTES))
        self.curl: pycurl.Curl = pycurl.Curl()
        # libcurl reports its sockets, so that `shut` never touches a descriptor that was closed and reused.
        self.set(**options, SOCKOPTFUNCTION=self._opened, CLOSESOCKETFUNCTION=self._closing)

    def set(self, **options: object) -> None:
        """Set libcurl options by name."""
        import pycurl

        for name, value in options.items():
            self.curl.setopt(getattr(pycurl, name), value)

    def ready(self) -> None:
        """Prepare for the next request after a `shut`."""
        self._is_shut = False

    def shut(self) -> None:
        """End the current request of another thread."""
        with self._guard:
            self._is_shut = True
            for descriptor in self._sockets:
                with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as ours:
                    ours.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self.curl.close()

    def _opened(self, descriptor: int, _purpose: int) -> int:
        with self._guard:
            self._sockets.add(descriptor)
            return int(self._is_shut)  # libcurl reconnects when a persistent connection ends before the response

    def _closing(self, descriptor: int) -> int:
        with self._guard:
            self._sockets.discard(descriptor)
            os.close(descriptor)
        return 0


class CurlPool:
    """The handles for one instance's storage, as many as were used at the same time. Thread-safe.

    Args:
        access: CAs and credentials.
        limits: the time limit for a connection.
    """

    def __init__(self, access: StorageAccess, limits: TransferLimits) -> None:
        self._access = access
        self._limits = limits
        self._guard = threading.Lock()
        self._idle: dict[ConnectionKey, list[CurlHandle]] = defaultdict(list)
        self._closed = False

    @contextmanager
    def handle(self, peer: ConnectionKey) -> Iterator[CurlHandle]:
        """Lend a handle for one request: the one used last, whose connection is most likely alive."""
        if peer.with_certificate:
            peer = peer._replace(certificate=self._access.certificate_state())
        with self._guard:
            handle = self._idle[peer].pop() if self._idle[peer] else None
        handle = handle or CurlHandle(curl_options(self._access, self._limits, with_certificate=peer.with_certificate))
        try:
            yield handle
        except BaseException:
            handle.close()  # its connection is broken or was refused, and the next request must not begin with it
            raise
        for unused in self._give_back(peer, handle):
            unused.close()

    def _give_back(self, peer: ConnectionKey, handle: CurlHandle) -> list[CurlHandle]:
        """Keep ``handle``; return those to close, which fewer requests at a time leave unused."""
        with self._guard:
            if self._closed:
                return [handle]
            idle, now = self._idle[peer], time.monotonic()
            handle.used_s = now
            unused = [one for one in idle if one.used_s < now - _IDLE_S]
            del idle[: len(unused)]  # the handles are in the order of their last use
            idle.append(handle)
            return unused

    def close(self) -> None:
        """Close idle handles now, and handles in use when they are returned."""
        with self._guard:
            self._closed = True
            idle = [handle for handles in self._idle.values() for handle in handles]
            self._idle.clear()
        for handle in idle:
            handle.close()


def curl_options(access: StorageAccess, limits: TransferLimits, *, with_certificate: bool) -> dict[str, Any]:
    """Return the options of every connection. The server's certificate is always verified."""
    import pycurl

    options = {
        "PROTOCOLS": pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
        "HTTP_VERSION": pycurl.CURL_HTTP_VERSION_1_1,  # one file per connection: streams of HTTP/2 share its window
        "USERAGENT": _USER_AGENT,
        "BUFFERSIZE": _BUFFER_BYTES,
        "CONNECTTIMEOUT_MS": round(limits.connect_s * 1000),
        "FOLLOWLOCATION": 0,
        "NOSIGNAL": 1,  # libcurl's signals work in single-threaded programs only
        "SSL_VERIFYPEER": 1,
        "SSL_VERIFYHOST": 2,
        **trusted(access.ca, with_system=access.with_system_cas),
    }
    if with_certificate and access.proxy is not None:
        # Without a passphrase given, OpenSSL would ask for one on the terminal.
        options |= {"SSLCERT": str(access.proxy), "SSLKEY": str(access.key or access.proxy), "KEYPASSWD": ""}
    return options


def trusted(ca: Path | None, *, with_system: bool = False) -> dict[str, str]:
    """Return libcurl's options for a file or folder of CAs; None means those that Python finds on this machine.

    Args:
        with_system: whether the latter count beside a folder.
    """
    if ca is not None and not (with_system and ca.is_dir()):
        return {"CAPATH" if ca.is_dir() else "CAINFO": str(ca)}
    import ssl

    found = ssl.get_default_verify_paths()
    folders = [str(folder) for folder in (ca, found.capath) if folder is not None]
    options = {"CAINFO": found.cafile, "CAPATH": ":".join(folders) or None}  # OpenSSL takes a list of folders
    return {name: path for name, path in options.items() if path is not None}
