"""http, https, dav, davs and signed S3 URLs: one GET a file over kept connections, resumed by Range."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

from nbrucio.core.files import Replica
from nbrucio.errors import MissingDependency
from nbrucio.transfer.base import Sink
from nbrucio.transfer.curl_pool import ConnectionKey, CurlHandle, CurlPool, Origin
from nbrucio.transfer.errors import Attempt, PermanentError, Refused, TransientError, Unreachable, WrongBytes
from nbrucio.transfer.types import StorageAccess, TransferLimits

if TYPE_CHECKING:
    import pycurl

_SCHEMES = {"http": "http", "https": "https", "dav": "http", "davs": "https"}
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429, 500, 502, 503, 504, 507)
#: Query keys that are credentials of their own: S3 (v4 and v2), Google, Swift, and tokens of dCache and EOS.
_SIGNATURES = frozenset({"x-amz-signature", "signature", "x-goog-signature", "temp_url_sig", "authz", "access_token"})
#: The body of an answer that carries no file is read so far, for the connection to be kept.
_DRAIN_BYTES = 65536
#: What came is written when the buffer is full, or after this time: a slow transfer must show that it moves.
_PIECE_S = 0.2
#: What a URL may hold as it is (RFC 3986); a server of files gets everything else encoded.
_URL_CHARACTERS = ":/?#[]@!$&'()*+,;=%~"
_NOT_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})")
_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3})")
_USER = re.compile("^//[^/?#]*@")
#: What TLS says when the server does not like our certificate, not we the server's.
_TLS_REFUSALS = ("certificate required", "certificate expired", "unknown ca", "bad certificate", "access denied")


class Http:
    """Reads over HTTP for one instance's storage. Connections are kept and shared by all threads.

    Raises:
        MissingDependency: pycurl cannot be loaded.
    """

    def __init__(self, access: StorageAccess, limits: TransferLimits) -> None:
        try:
            import pycurl  # noqa: F401
        except ImportError as error:  # it is there, too, but was built for another libcurl than the system's
            raise MissingDependency(
                f"https:// needs the package pycurl, which cannot be loaded: {error}.",
                next_command="pip install --force-reinstall pycurl",
            ) from error
        self._access = access
        self._limits = limits
        self._pool = CurlPool(access, limits)

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `Source`."""
        url = first_url(replica.pfn)
        first = origin = _origin(url)
        for _ in range(self._limits.redirects + 1):
            answer = self._ask(url, origin, sink, trusted=origin == first or self._is_listed(first, origin))
            if answer.status in (200, 206):
                answer.check_end()
                return
            if answer.status == 416:
                sink.restart()
            if answer.status not in _REDIRECTS:
                raise _refusal(answer.status, answer.headers)
            url = _next_url(url, answer.headers.get("location"))
            origin = _origin(url)
        raise PermanentError(f"more than {self._limits.redirects} redirects")

    def close(self) -> None:
        """Close every kept connection."""
        self._pool.close()

    def _is_listed(self, first: Origin, origin: Origin) -> bool:
        """Whether the configuration lets the storage at ``first`` send our credentials on to ``origin``."""
        return first[0] == "https" and self._access.may_follow(*origin[1:])

    def _ask(self, url: str, origin: Origin, sink: Sink, *, trusted: bool) -> _ResponseHead:
        """One GET. Only a trusted host, and only over TLS, is shown credentials."""
        trusted = trusted and url.startswith("https:") and not _is_signed(url)
        headers = ["Accept-Encoding: identity"]
        if trusted and self._access.token:
            headers.append(f"Authorization: Bearer {self._access.token}")
        if sink.offset:
            headers.append(f"Range: bytes={sink.offset}-")
            if sink.etag:
                headers.append(f"If-Range: {sink.etag}")
        with self._pool.handle(ConnectionKey(origin, trusted)) as handle:
            answer = _ResponseHead(sink, handle.buffer)
            handle.set(URL=url, HTTPHEADER=headers, HEADERFUNCTION=answer.take_header, WRITEFUNCTION=answer.take)
            try:
                self._perform(handle, answer, sink)
            finally:
                sink.on_abort(None)
        return answer

    def _perform(self, handle: CurlHandle, answer: _ResponseHead, sink: Sink) -> None:
        import pycurl

        handle.ready()
        sink.on_abort(handle.shut)
        sink.check()
        try:
            handle.curl.perform()
        except pycurl.error as error:
            if answer.fault is not None:
                raise answer.fault from error
            sink.check()  # we ended it ourselves
            answer.flush()  # what came can be gone on from
            if answer.is_drained:
                return
            raise _fault(error.args[0], handle.curl, self._access) from error
        sink.check()
        answer.flush()


class _ResponseHead:
    """What comes back for one request. libcurl calls its methods, which must not raise, in the thread that waits."""

    def __init__(self, sink: Sink, buffer: memoryview) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        #: What a method would have raised.
        self.fault: Exception | None = None
        self._delivery = sink
        self._expected: int | None = None
        #: Pieces of 16 kB, which is all that libcurl gives at once, are gathered here.
        self._buffer = buffer
        self._held_bytes = 0
        self._flushed = time.monotonic()
        self._drained_bytes = 0

    @property
    def is_drained(self) -> bool:
        """Whether the rest of a body was not worth reading."""
        return self._drained_bytes > _DRAIN_BYTES

    def take_header(self, line: bytes) -> int:
        """One line of the answer's head, the empty one at its end included. -1 ends the request."""
        return self._taken(self._head, line)

    def take(self, chunk: bytes) -> int:
        """The next bytes of the body. -1 ends the request."""
        return self._taken(self._body, chunk)

    def _taken(self, step: Callable[[bytes], bool], piece: bytes) -> int:
        try:
            return len(piece) if step(piece) else -1
        except Exception as fault:  # noqa: BLE001 the caller of libcurl raises it
            self.fault = fault
            return -1

    def _head(self, line: bytes) -> bool:
        text = line.decode("latin-1").strip()
        name, colon, value = text.partition(":")
        if text.startswith("HTTP/"):
            code = _STATUS.match(text)
            self.status, self.headers = int(code[1]) if code else 0, {}
        elif colon:
            self.headers[name.lower()] = value.strip()
        elif self.status in (200, 206):
            self._begin()
        return True

    def _body(self, chunk: bytes) -> bool:
        if self.status not in (200, 206):
            self._drained_bytes += len(chunk)
            return not self.is_drained
        end = self._held_bytes + len(chunk)
        if end > len(self._buffer):
            self.flush()
            end = len(chunk)
        self._buffer[self._held_bytes : end] = chunk
        self._held_bytes = end
        if time.monotonic() - self._flushed > _PIECE_S:
            self.flush()
        return True

    def flush(self) -> None:
        """Hand over what came.

        Raises:
            what `Sink.write` raises.
        """
        if self._held_bytes:
            held, self._held_bytes = self._buffer[: self._held_bytes], 0
            self._delivery.write(held)
            self._flushed = time.monotonic()

    def check_end(self) -> None:
        """Raise if less came than was announced."""
        if self._expected is not None and self._delivery.offset < self._expected:
            raise TransientError(f"the connection ended after {self._delivery.offset} of {self._expected} bytes")

    def _begin(self) -> None:
        """Whether the body that follows is what was asked for."""
        sink = self._delivery
        length = _seconds(self.headers.get("content-length"))
        if self.status == 200:
            sink.restart()
        else:
            _check_range(self.headers.get("content-range"), sink)
        etag = self.headers.get("etag")
        sink.etag = etag if etag and not etag.startswith("W/") else None
        if length is not None and sink.missing_bytes is not None and length != sink.missing_bytes:
            raise WrongBytes(f"{sink.offset + int(length)} bytes instead of {sink.entry.size_bytes}")
        self._expected = None if length is None else sink.offset + int(length)


def first_url(pfn: str) -> str:
    """The URL to ask for a PFN: dav and davs are HTTP by another name. A fragment is part of the file's name."""
    scheme, colon, rest = pfn.partition(":")
    return _SCHEMES[scheme.lower()] + colon + _encoded(rest.replace("#", "%23"))


def _encoded(rest: str) -> str:
    """The rest of a URL with what must not stand in one encoded. Nobody is logged in by a URL."""
    return quote(_NOT_ENCODED.sub("%25", _USER.sub("//", rest)), safe=_URL_CHARACTERS)


def _origin(url: str) -> Origin:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError as error:
        raise PermanentError("its URL cannot be read") from error
    return parts.scheme, (parts.hostname or "").lower(), port


def _is_signed(url: str) -> bool:
    return "?" in url and any(
        key.lower() in _SIGNATURES for key, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)
    )


def _next_url(url: str, location: str | None) -> str:
    """Where a redirect leads: http or https only, and never from TLS to plain text."""
    if not location:
        raise PermanentError("a redirect to nowhere")
    target = urljoin(url, location)
    scheme, colon, rest = target.partition(":")
    scheme = _SCHEMES.get(scheme.lower(), "")
    if not scheme:
        raise PermanentError("a redirect to something that is not HTTP, not followed")
    if url.startswith("https:") and scheme != "https":
        raise PermanentError("a redirect from https to http, not followed")
    return scheme + colon + _encoded(rest)


def _refusal(status: int, headers: Mapping[str, str]) -> Attempt:
    """Why a response carries no bytes of the file."""
    cause = f"HTTP {status}"
    if status in (401, 403):
        return Refused(cause)
    if status in _PASSING:
        return TransientError(cause, host=True, wait_s=_seconds(headers.get("retry-after")))
    if status == 416:
        return TransientError("it does not have the bytes that were asked for", wait_s=0.0)
    return PermanentError("not there (HTTP 404)" if status == 404 else cause)


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _check_range(text: str | None, sink: Sink) -> None:
    """Whether a 206 really continues where we are: some servers answer with another part, or with all parts."""
    unit, _, rest = (text or "").partition(" ")
    first, _, _ = rest.partition("-")
    if unit != "bytes" or first != str(sink.offset):
        sink.restart()
        raise TransientError("it answered with another part than was asked for", wait_s=0.0)
    total = rest.rpartition("/")[2]
    size_bytes = sink.entry.size_bytes
    if size_bytes is not None and total.isdigit() and int(total) != size_bytes:
        raise WrongBytes(f"{total} bytes instead of {size_bytes}")


def _fault(code: int, curl: pycurl.Curl, access: StorageAccess) -> Attempt:
    """What an error of libcurl means for the attempt. Its words may hold the URL, and so a signature: none is shown."""
    import pycurl

    text = curl.errstr().lower()
    if any(refusal in text for refusal in _TLS_REFUSALS):
        return Refused("it does not accept our certificate")
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        return PermanentError("its certificate cannot be verified with the configured CAs")
    if code == pycurl.E_SSL_CACERT_BADFILE:
        return PermanentError(f"the CAs {access.ca} cannot be read")
    if code == pycurl.E_SSL_CERTPROBLEM:
        return Refused(f"the certificate {access.proxy} cannot be read")
    if code == pycurl.E_SSL_CONNECT_ERROR:
        return TransientError("the TLS connection failed", host=True)
    if code in (pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY):
        return Unreachable("no connection: its name is not known")
    if code == pycurl.E_COULDNT_CONNECT:
        number = curl.getinfo(pycurl.OS_ERRNO)
        return Unreachable(f"no connection: {os.strerror(number)}" if number else "no connection")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Unreachable("no connection in time")  # there is no other time limit
    if code in (pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL):
        return PermanentError("its URL cannot be read")
    return TransientError("the connection was lost")
