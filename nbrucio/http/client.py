"""HTTP client of one server. It reuses connections, and follows no redirects because they could leak credentials."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from nbrucio.http.errors import BadCertificate, BadProxy, BrokenOff, NotConnected, translate_errors
from nbrucio.http.proxy import proxy_fault, proxy_named, proxy_of
from nbrucio.http.response import Response
from nbrucio.http.types import Request, Timeouts, Tls

if TYPE_CHECKING:
    from urllib3 import PoolManager

#: Connections to reuse. urllib3 closes further ones after use, with a warning on stderr.
_KEPT = 64

#: The HTTP status of a proxy that does not accept the login in its URL, or has none.
_PROXY_LOGIN, _ASKS_LOGIN = 407, "asks for a login, or refuses the one in its URL"

DEFAULT_TLS, DEFAULT_TIMEOUTS = Tls(), Timeouts()


class Client:
    """Client of one server, usable from several threads. It connects with the first request.

    Args:
        url: URL of the server, with or without a path, without a final slash.
        tls: CAs and client certificate.
        timeouts: in seconds, to connect and without progress.
    """

    def __init__(self, url: str, tls: Tls = DEFAULT_TLS, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        self._url = url
        self._tls = tls
        self._timeouts = timeouts
        self._lock = threading.Lock()
        self._manager: PoolManager | None = None

    def ask(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Send ``request`` and return the response, of any status, after its headers arrived.

        Close the response or read it to its end.

        Raises:
            HttpError: there is no response. After a failed or broken connection the request was sent a second time.
        """
        with translate_errors():
            manager = self._connected()
            try:
                return self._attempt(manager, request, headers)
            except (NotConnected, BrokenOff):
                return self._attempt(manager, request, headers)

    def close(self) -> None:
        """Close all connections. A later request connects anew. Idempotent."""
        with self._lock:
            manager, self._manager = self._manager, None
        if manager is not None:
            manager.clear()

    def _attempt(self, manager: PoolManager, request: Request, headers: Mapping[str, str]) -> Response:
        from urllib3 import Timeout
        from urllib3.exceptions import ProxyError

        with translate_errors():
            try:
                raw = manager.urlopen(
                    request.method,
                    self._url + request.path,
                    body=request.body,
                    headers=dict(headers),
                    timeout=Timeout(connect=self._timeouts.connect_s, read=self._timeouts.read_s),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
            except ProxyError as error:
                if f" {_PROXY_LOGIN} " in str(error):  # it refused the tunnel to an https server
                    raise _bad_proxy(self._url, _ASKS_LOGIN) from error
                raise
        answer = Response(raw)
        if answer.status == _PROXY_LOGIN and proxy_of(self._url) is not None:
            answer.close()
            raise _bad_proxy(self._url, _ASKS_LOGIN)
        return answer

    def _connected(self) -> PoolManager:
        with self._lock:
            if self._manager is None:
                self._manager = _manager(self._url, self._tls)
            return self._manager


def _bad_proxy(url: str, what: str) -> BadProxy:
    proxy = proxy_named(url)
    assert proxy is not None
    return BadProxy(f"the proxy {proxy} {what}", variable=proxy.variable)


def _manager(url: str, tls: Tls) -> PoolManager:
    import urllib3

    from nbrucio.http.paced import POOLS

    context = tls_context(tls) if url.startswith("https:") else None
    proxy = proxy_of(url)
    if proxy is None:
        manager = urllib3.PoolManager(maxsize=_KEPT, ssl_context=context)
    else:
        fault = proxy_fault(proxy)
        if fault is not None:
            raise _bad_proxy(url, fault)
        parts = urlsplit(proxy)
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
        manager = urllib3.ProxyManager(
            proxy,
            maxsize=_KEPT,
            ssl_context=context,
            proxy_ssl_context=tls_context(Tls(tls.ca)) if parts.scheme == "https" else None,
            proxy_headers=urllib3.make_headers(proxy_basic_auth=login),
        )
    manager.pool_classes_by_scheme = POOLS
    return manager


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the TLS context that verifies the server's certificate and presents the client's.

    Raises:
        BadCertificate: a file is missing or cannot be used.
    """
    from urllib3.util.ssl_ import create_urllib3_context

    # Not ssl.create_default_context: urllib3 1.26 checks host names itself and fails with a context that does so, too.
    context: ssl.SSLContext = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    where = str(tls.ca or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or _default_ca())
    is_folder = Path(where).is_dir()
    try:
        context.load_verify_locations(None if is_folder else where, where if is_folder else None)
    except OSError as error:
        raise BadCertificate(f"the CA certificates in {where} cannot be read: {error.strerror or error}") from error
    if tls.client_cert is not None:
        try:
            context.load_cert_chain(tls.client_cert, tls.client_key)
        except OSError as error:
            raise BadCertificate(f"{tls.client_cert} cannot be used: {error.strerror or error}") from error
    return context


def _default_ca() -> str:
    import certifi

    return str(certifi.where())
