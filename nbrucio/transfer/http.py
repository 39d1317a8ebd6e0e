"""http, https, dav, davs and signed S3 URLs: one GET per file over persistent connections, resumed with Range."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbrucio.catalogue.certificates import why_unusable
from nbrucio.core.files import Replica
from nbrucio.core.text import printable
from nbrucio.disk.libraries import missing_library
from nbrucio.disk.system_errors import lacking
from nbrucio.http import TlsFault, proxy_named, tls_fault
from nbrucio.transfer.base import Sink
from nbrucio.transfer.curl_driver import CurlRequest
from nbrucio.transfer.curl_pool import ConnectionKey, CurlPool
from nbrucio.transfer.errors import (
    Attempt,
    NoParts,
    PermanentError,
    Refused,
    Shortage,
    TransientError,
    Unreachable,
    WrongBytes,
)
from nbrucio.transfer.parts import PartSink
from nbrucio.transfer.types import StorageAccess, TransferLimits
from nbrucio.transfer.urls import Origin, first_url, is_signed, next_url, origin_of

if TYPE_CHECKING:
    import pycurl

_REDIRECTS = (301, 302, 303, 307, 308)
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504, 507)
#: Bytes to read of a body without the file, so that the connection can be reused.
_DRAIN_BYTES = 65536
#: Seconds after which a part-filled buffer is written, so that a slow transfer shows progress.
_PIECE_S = 0.2
#: The trailer by which XRootD and dCache report an error after the head of a response.
_LATE_STATUS = "x-transfer-status"
_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3})")
#: TLS alerts for a client certificate that the server rejects.
_TLS_REFUSALS = (
    "certificate required",
    "certificate expired",
    "unknown ca",
    "bad certificate",
    "access denied",
    "decrypt error",
)


class Http:
    """Reads over HTTP from one instance's storage. All threads share its persistent connections.

    Raises:
        MissingDependency: pycurl cannot be loaded.
        Shortage: for lack of memory or open files.
    """

    def __init__(self, access: StorageAccess, limits: TransferLimits) -> None:
        try:
            import pycurl  # noqa: F401
        except ImportError as error:  # also when pycurl was built for another libcurl than the system's
            short = lacking()
            if short is not None:
                raise Shortage(short) from error
            raise missing_library(
                "pycurl",
                f"Downloads over https need pycurl, which cannot be loaded: {error}.",
                pip="--force-reinstall pycurl",
            ) from error
        self._access = access
        self._limits = limits
        self._pool = CurlPool(access, limits)

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `Source.read`."""
        self._read(replica, sink)

    def read_part(self, replica: Replica, part: PartSink) -> None:
        """See `PartSource.read_part`."""
        self._read(replica, part)

    def finish(self, replica: Replica) -> None:
        """See `PartSource.finish`: the connections serve other files."""

    def _read(self, replica: Replica, sink: Sink | PartSink) -> None:
        """Read from the sink's offset to its end. Every request begins at the PFN: a redirect may be valid once."""
        url = first_url(replica.pfn)
        first = origin = origin_of(url)
        for _ in range(self._limits.redirects + 1):
            trusted = origin == first or self._is_listed(first, origin)
            try:
                location = self._ask_for_bytes(url, origin, sink, trusted=trusted)
            except Attempt as error:
                if origin != first:
                    error.happened_at(*origin[1:])
                raise
            if location is None:
                return
            url = location
            origin = origin_of(url)
        raise PermanentError(f"it sent more than {self._limits.redirects} redirects")

    def _ask_for_bytes(self, url: str, origin: Origin, sink: Sink | PartSink, *, trusted: bool) -> str | None:
        """Send one GET; return the URL to which it is redirected, None after the bytes."""
        response = self._ask(url, origin, sink, trusted=trusted)
        if response.status in (200, 206):
            response.check_end()
            return None
        if response.status == 416:
            sink.restart()
        if response.status not in _REDIRECTS:
            raise _refusal(response.status, response.headers)
        return next_url(url, response.headers.get("location"))

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _is_listed(self, first: Origin, origin: Origin) -> bool:
        """Whether the configuration allows the storage at ``first`` to redirect our credentials to ``origin``."""
        return first[0] == "https" and self._access.may_follow(*origin[1:])

    def _ask(self, url: str, origin: Origin, sink: Sink | PartSink, *, trusted: bool) -> _ResponseHead:
        """Send one GET. Credentials go to trusted hosts only, and only over TLS."""
        trusted = trusted and url.startswith("https:") and not is_signed(url)
        headers = ["Accept-Encoding: identity"]
        token = self._access.bearer() if trusted else None
        if token:
            headers.append(f"Authorization: Bearer {token}")
        if sink.offset or sink.end is not None:
            headers.append(f"Range: bytes={sink.offset}-{'' if sink.end is None else sink.end - 1}")
            if sink.etag:
                headers.append(f"If-Range: {sink.etag}")
        with self._pool.handle(ConnectionKey(origin, trusted)) as handle:
            response = _ResponseHead(sink, handle.buffer)
            handle.set(URL=url, HTTPHEADER=headers, HEADERFUNCTION=response.take_header, WRITEFUNCTION=response.take)
            request = handle.request()
            sink.on_abort(request.abort)
            try:
                self._perform(request, response, sink)
            finally:
                sink.off_abort(request.abort)
        return response

    def _perform(self, request: CurlRequest, response: _ResponseHead, sink: Sink | PartSink) -> None:
        import pycurl

        sink.check()
        try:
            request.perform()
        except pycurl.error as error:
            if response.error is not None:
                raise response.error from error
            sink.check()  # raises when we aborted the request
            response.flush()  # the next attempt continues from these bytes
            if response.is_drained:
                return
            short = lacking()  # libcurl blames the server or our certificate
            if short is not None:
                raise Shortage(short) from error
            raise _translated(error.args[0], request.curl, self._access) from error
        sink.check()
        response.flush()


class _ResponseHead:
    """The response to one request. libcurl calls its methods in the thread of a driver; they must not raise."""

    def __init__(self, sink: Sink | PartSink, buffer: memoryview) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        #: The error that a method would have raised.
        self.error: Exception | None = None
        self._sink = sink
        self._has_begun = False
        self._expected: int | None = None
        #: Collects libcurl's pieces of at most 16 kB.
        self._buffer = buffer
        self._capacity = len(buffer)
        self._held_bytes = 0
        self._flushed = time.monotonic()
        self._drained_bytes = 0

    @property
    def is_drained(self) -> bool:
        """Whether the rest of the body was not worth reading."""
        return self._drained_bytes > _DRAIN_BYTES

    def take_header(self, line: bytes) -> int:
        """Process one line of the head, including the empty one at its end. -1 ends the request."""
        try:
            self._head(line)
        except Exception as error:  # noqa: BLE001 the caller of libcurl raises it
            self.error = error
            return -1
        return len(line)

    def take(self, chunk: bytes) -> int:
        """Process the next bytes of the body. -1 ends the request."""
        size_bytes = len(chunk)
        try:
            if not self._has_begun:
                self._drained_bytes += size_bytes
                return -1 if self.is_drained else size_bytes
            end = self._held_bytes + size_bytes
            if end > self._capacity:
                self.flush()
                end = size_bytes
            self._buffer[end - size_bytes : end] = chunk
            self._held_bytes = end
            if time.monotonic() - self._flushed > _PIECE_S:
                self.flush()
        except Exception as error:  # noqa: BLE001 the caller of libcurl raises it
            self.error = error
            return -1
        return size_bytes

    def _head(self, line: bytes) -> None:
        text = line.decode("latin-1").strip()
        name, colon, value = text.partition(":")
        if text.startswith("HTTP/"):
            code = _STATUS.match(text)
            self.status, self.headers = int(code[1]) if code else 0, {}
        elif colon:
            self.headers[name.lower()] = value.strip()
            if self._has_begun and name.lower() == _LATE_STATUS and not value.strip().startswith("200"):
                raise TransientError(f"its storage failed after it had begun: {printable(value.strip())}", host=True)
        elif self.status in (200, 206) and not self._has_begun:
            self._begin()
            self._has_begun = True

    def flush(self) -> None:
        """Write the buffered bytes. Raises the errors of `Sink.write`."""
        if self._held_bytes:
            held, self._held_bytes = self._buffer[: self._held_bytes], 0
            self._sink.write(held)
            self._flushed = time.monotonic()

    def check_end(self) -> None:
        """Raise `TransientError` if the body is shorter than announced."""
        if self._expected is not None and self._sink.offset < self._expected:
            raise TransientError(f"the connection ended after {self._sink.offset:,} of {self._expected:,} bytes")

    def _begin(self) -> None:
        """Check that the following body is the requested part of the file."""
        sink = self._sink
        length = _seconds(self.headers.get("content-length"))
        etag = self.headers.get("etag")
        if etag is not None and etag.startswith("W/"):
            etag = None
        if self.status == 200:
            sink.restart()
            sink.end = None
        else:
            _check_range(self.headers.get("content-range"), sink)
            _check_version(etag, sink)
        sink.etag = etag
        missing = sink.missing_bytes if sink.end is None else sink.end - sink.offset
        if length is not None and missing is not None and length != missing:
            if sink.end is None:
                raise WrongBytes(f"it has {sink.offset + int(length):,} bytes instead of {sink.entry.size_bytes:,}")
            if length > missing:
                raise NoParts("it sent more bytes than requested")
        self._expected = None if length is None else sink.offset + int(length)


def _refusal(status: int, headers: Mapping[str, str]) -> Attempt:
    """Return the error of a response without the file's bytes."""
    cause = f"HTTP {status}"
    if status in (401, 403):
        return Refused(cause)
    if status in _TRANSIENT:
        wait_s = _seconds(headers.get("retry-after"))
        return TransientError(cause, host=True, busy=status in (429, 503), wait_s=wait_s)
    if status == 416:
        return TransientError("it does not have the requested bytes", wait_s=0.0)
    return PermanentError("not found (HTTP 404)" if status == 404 else cause)


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _check_range(text: str | None, sink: Sink | PartSink) -> None:
    """Check that a 206 continues at the sink's offset: some servers send another part, or all parts."""
    unit, _, rest = (text or "").partition(" ")
    first, _, _ = rest.partition("-")
    if unit != "bytes" or first != str(sink.offset):
        sink.restart()
        raise NoParts("it sent other bytes than requested", wait_s=0.0)
    total = rest.rpartition("/")[2]
    size_bytes = sink.entry.size_bytes
    if size_bytes is not None and total.isdigit() and int(total) != size_bytes:
        raise WrongBytes(f"it has {int(total):,} bytes instead of {size_bytes:,}")


def _check_version(etag: str | None, sink: Sink | PartSink) -> None:
    """Check that a 206 is of the version that the earlier bytes are from."""
    if sink.etag is not None and etag is not None and etag != sink.etag:
        sink.restart()
        sink.etag = None
        raise NoParts("the file changed during the download", wait_s=0.0)


#: Why a certificate of a storage was not verified.
UNVERIFIED = dict.fromkeys(TlsFault, "it is not signed by a known CA (see storage_ca)") | {
    TlsFault.EXPIRED: "it has expired",
    TlsFault.NOT_YET_VALID: "it is not valid yet",
    TlsFault.WRONG_HOST: "it is for another host",
}


def _why_rejected(access: StorageAccess) -> str:
    """Say what is wrong with our certificate, or that the storage does not accept it."""
    fault = None if access.proxy is None else why_unusable(access.proxy, access.key)
    return f"it rejects your certificate: {fault}" if fault else "it rejects your certificate"


def _translated(code: int, curl: pycurl.Curl, access: StorageAccess) -> Attempt:
    """Translate an error of libcurl. Its text may contain the URL, and so a signature: it is never shown."""
    import pycurl

    text = curl.errstr().lower()
    if "http/0.9" in text:  # which libcurl takes any other protocol for
        return TransientError("it does not answer in HTTP", host=True)
    if code in (pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL):
        return PermanentError("its URL cannot be read")  # libcurl may not even return it
    proxy = proxy_named(curl.getinfo(pycurl.EFFECTIVE_URL))
    through = "" if proxy is None else f" through the proxy {proxy}"
    if code == pycurl.E_SSL_CERTPROBLEM or any(refusal in text for refusal in _TLS_REFUSALS):
        return Refused(_why_rejected(access))
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        return PermanentError(f"its certificate cannot be verified: {UNVERIFIED[tls_fault(text)]}")
    if code == pycurl.E_SSL_CACERT_BADFILE:
        return PermanentError(f"the CAs {access.ca} cannot be read")
    if code == pycurl.E_SSL_CONNECT_ERROR:
        return TransientError("the TLS connection failed", host=True, busy=True)
    if code in (pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY):
        return Unreachable(f"no connection{through}: the host name cannot be resolved")
    if code == pycurl.E_COULDNT_CONNECT:
        number = curl.getinfo(pycurl.OS_ERRNO)
        return Unreachable(f"no connection{through}: {os.strerror(number)}" if number else f"no connection{through}")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Unreachable("the connection timed out")  # requests have no other time limit
    return TransientError("the connection was lost")
