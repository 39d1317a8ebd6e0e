"""Persistent HTTP connections by libcurl, whose waits another thread can end."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbrucio.disk.system_errors import lacking, out_of_memory, shortage
from nbrucio.transfer.curl_driver import CurlDriver, CurlRequest
from nbrucio.transfer.errors import Shortage
from nbrucio.transfer.types import StorageAccess, TransferLimits
from nbrucio.transfer.urls import Origin

if TYPE_CHECKING:
    import pycurl

#: Bytes that libcurl reads from a connection at a time.
_BUFFER_BYTES = 1 << 18
_USER_AGENT = "nbrucio"
#: Seconds after which a connection that was not needed is closed while others are: a server may count it.
_IDLE_S = 0.25
#: Threads that read connections. Measured with 1,000 files of 1 MB over 64 connections, 40 ms away, on two cores: 3.7 s
#: and 3.7 CPU seconds with 2, 3.8 and 3.9 with 4, 4.1 and 4.5 with a thread for each connection.
_DRIVERS = 2
_ANY: Origin = ("", "", 0)
#: ``E_FAILED_INIT`` and ``E_OUT_OF_MEMORY``, also of an option.
_NOT_MADE = (2, 27)


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
    """A libcurl handle. Used by one thread at a time.

    Attributes:
        curl: the handle.
        buffer: a buffer for the caller. A reused one stays in the CPU cache.
        used_s: when it was used last.

    Args:
        options: libcurl options for all requests, by name without ``CURLOPT_``.
        driver: whose connections it uses; None for a connection of its own.

    Raises:
        Shortage: this machine gives no more memory.
    """

    def __init__(self, options: Mapping[str, Any], driver: CurlDriver | None = None) -> None:
        import pycurl

        self.driver = driver
        self.used_s = 0.0
        with _shortages():
            self.buffer = memoryview(bytearray(_BUFFER_BYTES))
            self.curl: pycurl.Curl = pycurl.Curl()
        self.set(**options)

    def set(self, **options: object) -> None:
        """Set libcurl options by name. Raises `Shortage`."""
        import pycurl

        with _shortages():
            for name, value in options.items():
                self.curl.setopt(getattr(pycurl, name), value)

    def request(self) -> CurlRequest:
        """Return the request that the options describe."""
        assert self.driver is not None
        return CurlRequest(self.curl, self.driver)

    def close(self) -> None:
        """Close the handle, and its own connection."""
        import pycurl

        with suppress(pycurl.error):  # without memory a request may still run when its caller has got an error
            self.curl.close()


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
        #: The number of handles of each driver. Requests with and without a certificate share no connection.
        self._drivers: dict[ConnectionKey, Counter[CurlDriver]] = defaultdict(Counter)
        self._closed = False

    @contextmanager
    def handle(self, peer: ConnectionKey) -> Iterator[CurlHandle]:
        """Lend a handle for one request: the one used last, whose connection is most likely alive.

        Raises:
            RuntimeError: this machine gives no more threads.
            Shortage: nor open files or memory.
        """
        if peer.with_certificate:
            peer = peer._replace(certificate=self._access.certificate_state())
        with self._guard:
            handle = self._idle[peer].pop() if self._idle[peer] else self._new(peer)
        try:
            yield handle
        except BaseException:
            self._close(peer, [handle])  # it may hold what belongs to the failed request
            raise
        self._close(peer, self._give_back(peer, handle))

    def _new(self, peer: ConnectionKey) -> CurlHandle:
        drivers = self._drivers[_shared(peer)]
        driver = None
        if len(drivers) < _DRIVERS:
            try:
                with _shortages():
                    driver = CurlDriver()
            except (RuntimeError, Shortage):
                if not drivers:  # else the one that there is reads everything
                    raise
        driver = driver or min(drivers, key=drivers.__getitem__)
        options = curl_options(self._access, self._limits, with_certificate=peer.with_certificate)
        try:
            handle = CurlHandle(options, driver)
        except BaseException:
            if driver not in drivers:
                driver.close()
            raise
        drivers[driver] += 1
        driver.keep(drivers[driver])
        return handle

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

    def _close(self, peer: ConnectionKey, handles: list[CurlHandle]) -> None:
        for handle in handles:
            handle.close()
            assert handle.driver is not None
            with self._guard:
                drivers = self._drivers[_shared(peer)]
                drivers[handle.driver] -= 1
                if drivers[handle.driver]:
                    handle.driver.keep(drivers[handle.driver])
                else:
                    del drivers[handle.driver]
                    handle.driver.close()

    def close(self) -> None:
        """Close idle handles and connections now, and those in use when they are returned."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, defaultdict(list)
        for peer, handles in idle.items():
            self._close(peer, handles)


@contextmanager
def _shortages() -> Iterator[None]:
    """Raise `Shortage` where open files or memory are lacking. libcurl's constructors give no reason, and no code."""
    import pycurl

    try:
        yield
    except (pycurl.error, OSError, MemoryError) as error:
        short = shortage(error)
        if isinstance(error, pycurl.error) and (len(error.args) == 1 or error.args[0] in _NOT_MADE):
            short = lacking() or out_of_memory()
        if short is None:
            raise
        raise Shortage(short) from error


def _shared(peer: ConnectionKey) -> ConnectionKey:
    """Return what requests have in common whose connections may belong to the same driver."""
    return peer._replace(origin=_ANY)


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
