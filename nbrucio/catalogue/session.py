"""Sessions of requests for rucio-clients, within the limits of `nbrucio.http`. Importing this imports requests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse, PoolManager

from nbrucio.http import JSON, JSON_LINES, Malformed, body
from nbrucio.http.paced import POOLS


def limit(session: requests.Session) -> None:
    """Apply size limits to the responses of ``session``, and disable redirects."""
    # A redirect would send the token, and at login the password, to a host that is not configured: requests removes
    # only its own Authorization header.
    session.max_redirects = 0
    session.headers["Accept-Encoding"] = "gzip"  # can be decompressed in steps
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())


def rows(response: requests.Response) -> Iterator[object]:
    """Yield the JSON values of a response of a limited session as they arrive; closes the response.

    Raises:
        HttpError: the body ends early, exceeds a limit, or does not match its type.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    with contextlib.closing(response):
        if kind == JSON:
            yield body.parse(response.content)
        elif kind == JSON_LINES and response.raw.begun:
            yield from map(body.parse, body.lines([response.content]))
        elif kind == JSON_LINES:
            yield from body.rows(response.raw.whole)
        else:
            raise Malformed(f"an answer of type {kind!r}")


class _Limited:
    """A urllib3 response whose content requests can read only up to the limit.

    Attributes:
        whole: the response itself.
        begun: whether requests has begun to read it.
    """

    def __init__(self, whole: HTTPResponse) -> None:
        self.whole = whole
        self.begun = False

    def __getattr__(self, name: str) -> object:
        return getattr(self.whole, name)

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """Yield the decompressed content, up to the limit."""
        self.begun = True
        try:
            yield from body.limited(body.pieces(self.whole))
        except BaseException:
            self.whole.close()  # requests would not close the connection
            raise


class _Adapter(HTTPAdapter):  # type: ignore[misc]  # mypy does not follow requests
    def init_poolmanager(self, *args: object, **options: object) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: object) -> PoolManager:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):  # SOCKS proxies use connection classes of their own
            manager.pool_classes_by_scheme = POOLS
        return manager

    def build_response(self, request: requests.PreparedRequest, raw: HTTPResponse) -> requests.Response:
        response = super().build_response(request, raw)
        response.raw = _Limited(raw)
        return response
