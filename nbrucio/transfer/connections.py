"""Kept HTTP connections whose waits can be ended from another thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nbrucio.transfer.model import Limits, StorageAccess
from nbrucio.transfer.tls import tls_context

if TYPE_CHECKING:
    import urllib3


class Waiting(threading.local):
    """What this thread's connection tells how to wake it."""

    wake: Callable[[Callable[[], None] | None], None] | None = None


waiting = Waiting()


def make_manager(access: StorageAccess, limits: Limits, *, with_certificate: bool) -> urllib3.PoolManager:
    """Connections that are kept, verified by the CAs of ``access`` and, if asked to, with its certificate.

    Raises:
        Lasting: the CAs cannot be read.
        Refused: the certificate cannot be read.
    """
    import urllib3

    manager = urllib3.PoolManager(
        maxsize=limits.total,
        ssl_context=tls_context(access, with_certificate=with_certificate),
        timeout=urllib3.Timeout(connect=limits.connect_s, read=limits.stall_s),
    )
    manager.pool_classes_by_scheme = _abortable_pools()
    return manager


def _abortable_pools() -> dict[str, Any]:
    """Pools whose connections tell, before they wait for an answer, how they can be woken."""
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

    class Connection(HTTPConnectionPool.ConnectionCls):  # type: ignore[misc]
        def getresponse(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 two versions of urllib3 differ
            _announce(self.sock)
            return super().getresponse(*args, **kwargs)

    class TlsConnection(HTTPSConnectionPool.ConnectionCls):  # type: ignore[misc]
        def getresponse(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            _announce(self.sock)
            return super().getresponse(*args, **kwargs)

    class Pool(HTTPConnectionPool):  # type: ignore[misc]
        ConnectionCls = Connection

    class TlsPool(HTTPSConnectionPool):  # type: ignore[misc]
        ConnectionCls = TlsConnection

    return {"http": Pool, "https": TlsPool}


def _announce(sock: socket.socket) -> None:
    if waiting.wake is not None:
        waiting.wake(lambda: _shut(sock))


def _shut(sock: socket.socket) -> None:
    # Not SSLSocket.shutdown: that drops the TLS layer first, and a read under way would then return cipher text.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
