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
    """Keep what ``session`` receives within the limits, and have it follow no redirect."""
    # A redirect would take the token, and at login the password, to a host that nobody configured: requests takes
    # only its own Authorization header off.
    session.max_redirects = 0
    session.headers["Accept-Encoding"] = "gzip"  # what can be unpacked step by step
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())


def rows(response: requests.Response) -> Iterator[object]:
    """The JSON values of an answer of a session that is limited, as they come; closes it.

    Raises:
        HttpError: the body breaks off, exceeds a limit, or is not what its type says.
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
    """A response of urllib3 as requests reads it when it wants all of the content.

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
        """The unpacked content, up to the limit."""
        self.begun = True
        try:
            yield from body.limited(body.pieces(self.whole))
        except BaseException:
            self.whole.close()  # requests would leave the connection open
            raise


class _Adapter(HTTPAdapter):  # type: ignore[misc]  # mypy does not follow requests
    def init_poolmanager(self, *args: object, **options: object) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: object) -> PoolManager:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):  # those connect by classes of their own
            manager.pool_classes_by_scheme = POOLS
        return manager

    def build_response(self, request: requests.PreparedRequest, raw: HTTPResponse) -> requests.Response:
        response = super().build_response(request, raw)
        response.raw = _Limited(raw)
        return response
