"""http, https, dav, davs and signed S3 URLs: one GET a file over kept connections, resumed by Range."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urljoin, urlsplit

from nbrucio.catalogue.base import Replica
from nbrucio.transfer.connections import make_manager, waiting
from nbrucio.transfer.faults import Attempt, Lasting, Passing, Refused, Unreachable, WrongBytes
from nbrucio.transfer.model import Limits, StorageAccess
from nbrucio.transfer.source import CHUNK_BYTES, Delivery

if TYPE_CHECKING:
    import urllib3

_SCHEMES = {"http": "http", "https": "https", "dav": "http", "davs": "https"}
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429, 500, 502, 503, 504, 507)
#: Query keys that are credentials of their own: S3 (v4 and v2), Google, Swift, and tokens of dCache and EOS.
_SIGNATURES = frozenset({"x-amz-signature", "signature", "x-goog-signature", "temp_url_sig", "authz", "access_token"})
_DRAIN_BYTES = 65536
_FIRST_BYTES = 65536
_LEAST_BYTES = 8192
_QUICK_S = 0.1
_SLOW_S = 0.5
_USER_AGENT = "nbrucio"
#: What TLS says when the server does not like our certificate, not we the server's.
_TLS_REFUSALS = ("certificate required", "certificate expired", "unknown ca", "bad certificate", "access denied")


class Http:
    """Reads over HTTP for one instance's storage. Connections are kept and shared by all threads."""

    def __init__(self, access: StorageAccess, limits: Limits) -> None:
        self._access = access
        self._limits = limits
        self._guard = threading.Lock()
        self._managers: dict[bool, urllib3.PoolManager] = {}

    def read(self, replica: Replica, delivery: Delivery) -> None:
        """See `Source`."""
        url = first_url(replica.pfn)
        with _mapped(delivery):
            response = self._open(url, delivery)
            try:
                _take(response, delivery)
            except BaseException:
                response.close()
                raise
            finally:
                waiting.wake = None
                delivery.on_abort(None)
                response.release_conn()

    def close(self) -> None:
        """Close every kept connection."""
        with self._guard:
            for manager in self._managers.values():
                manager.clear()

    def _open(self, url: str, delivery: Delivery) -> urllib3.HTTPResponse:
        """The response that carries the body, redirects followed."""
        origin = _origin(url)
        for _ in range(self._limits.redirects + 1):
            response = self._request(url, delivery, trusted=_origin(url) == origin)
            if response.status in (200, 206):
                return response
            _drain(response)
            if response.status == 416:
                delivery.restart()
            if response.status not in _REDIRECTS:
                raise _refusal(response.status, response.headers)
            url = _next_url(url, response.headers.get("location"))
        raise Lasting(f"more than {self._limits.redirects} redirects")

    def _request(self, url: str, delivery: Delivery, *, trusted: bool) -> urllib3.HTTPResponse:
        """One GET. Only the host that the replica names, and only over TLS, gets to see credentials."""
        trusted = trusted and url.startswith("https:") and not _is_signed(url)
        headers = {"Accept-Encoding": "identity", "User-Agent": _USER_AGENT}
        if trusted and self._access.token:
            headers["Authorization"] = f"Bearer {self._access.token}"
        if delivery.offset:
            headers["Range"] = f"bytes={delivery.offset}-"
            if delivery.etag:
                headers["If-Range"] = delivery.etag
        manager = self._manager(trusted)
        waiting.wake = delivery.on_abort
        delivery.check()
        response: urllib3.HTTPResponse = manager.request(
            "GET", url, headers=headers, preload_content=False, redirect=False, retries=False
        )
        return response

    def _manager(self, trusted: bool) -> urllib3.PoolManager:
        with self._guard:
            if trusted not in self._managers:
                self._managers[trusted] = make_manager(self._access, self._limits, with_certificate=trusted)
            return self._managers[trusted]


def first_url(pfn: str) -> str:
    """The URL to ask for a PFN: dav and davs are HTTP by another name. A fragment is part of the file's name."""
    scheme, colon, rest = pfn.partition(":")
    return _SCHEMES[scheme.lower()] + colon + rest.replace("#", "%23")


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError as error:
        raise Lasting("its URL cannot be read") from error
    return parts.scheme, (parts.hostname or "").lower(), port


def _is_signed(url: str) -> bool:
    return any(key.lower() in _SIGNATURES for key, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))


def _next_url(url: str, location: str | None) -> str:
    """Where a redirect leads: http or https only, and never from TLS to plain text."""
    if not location:
        raise Lasting("a redirect to nowhere")
    target = urljoin(url, location)
    scheme, colon, rest = target.partition(":")
    scheme = _SCHEMES.get(scheme.lower(), "")
    if not scheme:
        raise Lasting("a redirect to something that is not HTTP, not followed")
    if url.startswith("https:") and scheme != "https":
        raise Lasting("a redirect from https to http, not followed")
    return scheme + colon + rest


def _refusal(status: int, headers: Mapping[str, str]) -> Attempt:
    """Why a response carries no bytes of the file."""
    cause = f"HTTP {status}"
    if status in (401, 403):
        return Refused(cause)
    if status in _PASSING:
        return Passing(cause, host=True, wait_s=_seconds(headers.get("retry-after")))
    if status == 416:
        return Passing("it does not have the bytes that were asked for", wait_s=0.0)
    return Lasting("not there (HTTP 404)" if status == 404 else cause)


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _take(response: urllib3.HTTPResponse, delivery: Delivery) -> None:
    length = _seconds(response.headers.get("content-length"))
    if response.status == 200:
        delivery.restart()
    else:
        _check_range(response.headers.get("content-range"), delivery)
    etag = response.headers.get("etag")
    delivery.etag = etag if etag and not etag.startswith("W/") else None
    if length is not None and delivery.missing_bytes is not None and length != delivery.missing_bytes:
        raise WrongBytes(f"{delivery.offset + int(length)} bytes instead of {delivery.entry.size_bytes}")
    expected = None if length is None else delivery.offset + int(length)
    # Raw bytes: a storage that labels a .gz file with a content encoding still has the file as the catalogue knows it.
    amount, since = _FIRST_BYTES, time.monotonic()
    while chunk := response.read(amount, decode_content=False):
        amount = _next_amount(amount, time.monotonic() - since)
        delivery.write(chunk)
        since = time.monotonic()
    delivery.check()
    if expected is not None and delivery.offset < expected:
        raise Passing(f"the connection ended after {delivery.offset} of {expected} bytes")


def _next_amount(amount: int, took_s: float) -> int:
    """How much to ask for next: a read returns only when it has all, and a slow transfer must show that it moves."""
    if took_s < _QUICK_S:
        return min(2 * amount, CHUNK_BYTES)
    return max(amount // 2, _LEAST_BYTES) if took_s > _SLOW_S else amount


def _check_range(text: str | None, delivery: Delivery) -> None:
    """Whether a 206 really continues where we are: some servers answer with another part, or with all parts."""
    unit, _, rest = (text or "").partition(" ")
    first, _, _ = rest.partition("-")
    if unit != "bytes" or first != str(delivery.offset):
        delivery.restart()
        raise Passing("it answered with another part than was asked for", wait_s=0.0)
    total = rest.rpartition("/")[2]
    size_bytes = delivery.entry.size_bytes
    if size_bytes is not None and total.isdigit() and int(total) != size_bytes:
        raise WrongBytes(f"{total} bytes instead of {size_bytes}")


def _drain(response: urllib3.HTTPResponse) -> None:
    """Give the connection back if the rest is short, else close it."""
    with suppress(OSError):
        response.read(_DRAIN_BYTES, decode_content=False)
    if response.closed or not response.read(1, decode_content=False):
        response.release_conn()
    else:
        response.close()


@contextmanager
def _mapped(delivery: Delivery) -> Iterator[None]:
    """The one seam between urllib3's errors and ours."""
    from urllib3 import exceptions

    try:
        yield
    except exceptions.HTTPError as error:
        delivery.check()  # we closed the connection ourselves
        raise _fault(error) from error
    except OSError as error:
        delivery.check()
        raise _fault(error) from error


def _fault(error: Exception) -> Lasting | Passing:
    from urllib3 import exceptions

    text = str(error).lower()
    if isinstance(error, exceptions.SSLError) or "certificate" in text:
        if any(refusal in text for refusal in _TLS_REFUSALS):
            return Refused("it does not accept our certificate")
        if "verify failed" in text or "hostname" in text:
            return Lasting("its certificate cannot be verified with the configured CAs")
        return Passing("the TLS connection failed", host=True)
    if isinstance(error, exceptions.NewConnectionError):
        return Unreachable("no connection: " + _reason(error))
    if isinstance(error, exceptions.ConnectTimeoutError):
        return Unreachable("no connection in time")
    if isinstance(error, exceptions.TimeoutError):
        return Passing("stalled", host=True)
    if isinstance(error, exceptions.LocationParseError):
        return Lasting("its URL cannot be read")
    return Passing("the connection was lost")


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    return getattr(cause, "strerror", None) or str(cause or error)
