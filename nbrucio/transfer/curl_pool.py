"""Kept HTTP connections, each of libcurl's, whose waits can be ended from another thread."""

from __future__ import annotations

import os
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbrucio.transfer.types import StorageAccess, TransferLimits

if TYPE_CHECKING:
    import pycurl

#: What libcurl reads at once from a connection.
_BUFFER_BYTES = 1 << 18
_USER_AGENT = "nbrucio"


#: Scheme, host and port of a URL; a port that it does not name is None.
Origin = tuple[str, str, int | None]


class ConnectionKey(NamedTuple):
    """What a kept connection may be used for again.

    Attributes:
        origin: to whom it leads.
        with_certificate: whether our certificate was shown there.
    """

    origin: Origin
    with_certificate: bool


class CurlHandle:
    """One handle of libcurl, with the connection that it keeps. Used by one thread at a time.

    Attributes:
        curl: the handle.
        buffer: room for the user's use. One that is used again and again stays in the processor's cache.

    Args:
        options: libcurl's options by name (``CURLOPT_`` left out), for all requests.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        import pycurl

        self._guard = threading.Lock()
        self._sockets: set[int] = set()
        self._is_shut = False
        self.buffer = memoryview(bytearray(_BUFFER_BYTES))
        self.curl: pycurl.Curl = pycurl.Curl()
        # libcurl says which sockets are its own, so that `shut` never meets a descriptor that was given out anew.
        self.set(**options, SOCKOPTFUNCTION=self._opened, CLOSESOCKETFUNCTION=self._closing)

    def set(self, **options: object) -> None:
        """Set options by their names."""
        import pycurl

        for name, value in options.items():
            self.curl.setopt(getattr(pycurl, name), value)

    def ready(self) -> None:
        """Forget that the handle was shut; a request follows."""
        self._is_shut = False

    def shut(self) -> None:
        """End what another thread waits for, up to the end of its request."""
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
            return int(self._is_shut)  # libcurl makes a new connection where a kept one ends before the answer

    def _closing(self, descriptor: int) -> int:
        with self._guard:
            self._sockets.discard(descriptor)
            os.close(descriptor)
        return 0


class CurlPool:
    """The handles for one instance's storage. Thread-safe; there are as many as were in use at once.

    Args:
        access: whom to trust, and what to show.
        limits: how long a connection may take.
    """

    def __init__(self, access: StorageAccess, limits: TransferLimits) -> None:
        self._access = access
        self._limits = limits
        self._guard = threading.Lock()
        self._idle: dict[ConnectionKey, list[CurlHandle]] = defaultdict(list)
        self._closed = False

    @contextmanager
    def handle(self, peer: ConnectionKey) -> Iterator[CurlHandle]:
        """A handle for one request; the one used last, whose connection lives most likely."""
        with self._guard:
            handle = self._idle[peer].pop() if self._idle[peer] else None
        handle = handle or CurlHandle(curl_options(self._access, self._limits, with_certificate=peer.with_certificate))
        try:
            yield handle
        finally:
            with self._guard:
                keep = not self._closed
                if keep:
                    self._idle[peer].append(handle)
            if not keep:
                handle.close()

    def close(self) -> None:
        """Close what is not in use now, and what is in use after that."""
        with self._guard:
            self._closed = True
            idle = [handle for handles in self._idle.values() for handle in handles]
            self._idle.clear()
        for handle in idle:
            handle.close()


def curl_options(access: StorageAccess, limits: TransferLimits, *, with_certificate: bool) -> dict[str, Any]:
    """How every connection of ours is made: the server's certificate is always verified."""
    import pycurl

    options = {
        "PROTOCOLS": pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
        "HTTP_VERSION": pycurl.CURL_HTTP_VERSION_1_1,  # one file a connection: streams of HTTP/2 share its window
        "USERAGENT": _USER_AGENT,
        "BUFFERSIZE": _BUFFER_BYTES,
        "CONNECTTIMEOUT_MS": round(limits.connect_s * 1000),
        "FOLLOWLOCATION": 0,
        "NOSIGNAL": 1,  # libcurl's signals are for programs of one thread
        "SSL_VERIFYPEER": 1,
        "SSL_VERIFYHOST": 2,
        **trusted(access.ca),
    }
    if with_certificate and access.proxy is not None:
        options |= {"SSLCERT": str(access.proxy), "SSLKEY": str(access.proxy)}
    return options


def trusted(ca: Path | None) -> dict[str, str]:
    """libcurl's options for a file or folder of CAs; None means those of this machine, as Python finds them."""
    if ca is not None:
        return {"CAPATH" if ca.is_dir() else "CAINFO": str(ca)}
    import ssl

    found = ssl.get_default_verify_paths()
    options = {"CAINFO": found.cafile, "CAPATH": found.capath}
    return {name: path for name, path in options.items() if path is not None}
