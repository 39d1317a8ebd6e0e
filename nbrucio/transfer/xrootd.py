"""root:// and roots:// through the `xrootd` bindings in this process.

Many files share one connection to a server; each part of a large file has one of its own.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from nbrucio.core.files import Replica
from nbrucio.disk.libraries import missing_library
from nbrucio.transfer.base import CHUNK_BYTES, Sink
from nbrucio.transfer.errors import Attempt, PermanentError, Refused, TransientError, Unreachable, WrongBytes
from nbrucio.transfer.parts import PartSink
from nbrucio.transfer.types import StorageAccess, TransferLimits
from nbrucio.transfer.xrootd_handles import Handles, has_user
from nbrucio.transfer.xrootd_proxy import ShownProxy

#: Concurrent reads per file, so that the next bytes arrive while the last ones are written, and the size of each if the
#: file takes several: 20 files at a time held 250 MB in reads of 1 MB, and are as quick with these.
_AHEAD, _READ_BYTES = 4, 1 << 18
#: Interval in seconds at which a wait checks whether the sink was aborted.
_POLL_S = 0.2
#: Seconds to wait at the end of a run for files to be closed.
_CLOSE_S = 0.5
#: Codes of XrdCl (XrdClStatus.hh): an error response of the server, and an unreachable server.
_ERROR_RESPONSE = 400
_UNREACHABLE = (101, 103, 104, 107, 108, 109)
_AUTH_FAILED = 204
#: Codes of the protocol (XProtocol.hh).
_NOT_AUTHORIZED, _NOT_FOUND, _IS_FOLDER, _AUTH_REJECTED = 3010, 3011, 3016, 3030

#: Login methods of the library besides ztn.
_PROTOCOLS = "gsi,krb5,sss,unix,pwd,host"

#: Files whose server never answered. Their callbacks may still run, so the files must stay alive.
_abandoned: list[Any] = []


class Xrootd:
    """Reads over XRootD from one instance's storage.

    Raises:
        MissingDependency: the bindings are not installed.
    """

    def __init__(self, access: StorageAccess, limits: TransferLimits) -> None:
        self._access = access
        self._limits = limits
        self._proxy = ShownProxy(access)
        client = self._client = bindings()
        self._guard = threading.Condition()
        self._closing: set[Any] = set()
        self._handles = Handles()
        _apply_limits(client, limits)

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `Source.read`."""
        if sink.end is not None and not has_user(replica.pfn):
            self._read_span(replica.pfn, sink)
            return
        sink.end = None
        file = self._opened(replica.pfn, sink)
        self._take(file, sink)
        self._close(file)

    def read_part(self, replica: Replica, part: PartSink) -> None:
        """See `PartSource.read_part`."""
        self._read_span(replica.pfn, part)

    def finish(self, replica: Replica) -> None:
        """See `PartSource.finish`."""
        for handle in self._handles.end(replica.pfn):
            self._close(handle.file)

    def _read_span(self, pfn: str, sink: Sink | PartSink) -> None:
        """Read to the sink's ``end`` over a connection that no other part uses now."""
        handle = self._handles.take(pfn)
        try:
            if handle.file is None:
                handle.file = self._opened(handle.url, sink)
                _check_size(handle.file, sink)
            self._take(handle.file, sink)
        except BaseException:
            self._handles.drop(handle)
            raise
        self._handles.give_back(handle)

    def _opened(self, pfn: str, sink: Sink | PartSink) -> Any:  # noqa: ANN401 the bindings have no types
        file = self._client.File()
        try:
            _call(lambda done: file.open(self._url(pfn), 0x10, 0, 0, done), sink)
        except BaseException:
            _abandon(file)
            raise
        return file

    def close(self) -> None:
        """Wait briefly for files that are being closed. The bindings own the connections."""
        with self._guard:
            self._guard.wait_for(lambda: not self._closing, _CLOSE_S)
            _abandoned.extend(self._closing)
        self._proxy.close()

    def _close(self, file: Any) -> None:  # noqa: ANN401 the bindings have no types
        """Close a file after its last byte. Waiting for the reply would take a third of a small file's time."""

        def done(*_: object) -> None:
            with self._guard:
                self._closing.discard(file)
                self._guard.notify_all()

        with self._guard:
            self._closing.add(file)
        if not file.close(callback=done).ok:
            done()

    def _take(self, file: Any, sink: Sink | PartSink) -> None:  # noqa: ANN401 the bindings have no types
        """Read from the sink's offset to its end. An error closes the file without waiting for the server."""
        try:
            self._read_ahead(file, sink)
        except BaseException:
            _abandon(file)
            raise

    def _read_ahead(self, file: Any, sink: Sink | PartSink) -> None:  # noqa: ANN401 the bindings have no types
        """Read from the sink's offset to its end, with a few reads in advance."""
        ahead: deque[_Reply] = deque()
        place, end = sink.offset, sink.end
        if end is None and sink.entry.size_bytes is not None:
            end = sink.entry.size_bytes + 1  # one byte more than the catalogue's size detects a longer file
        size = CHUNK_BYTES if end is not None and end - place <= CHUNK_BYTES else _READ_BYTES
        while True:
            while len(ahead) < _AHEAD and (end is None or place < end):
                amount = size if end is None else min(size, end - place)
                ahead.append(_start(lambda done, at=place, size=amount: file.read(at, size, 0, done)))  # type: ignore[misc]
                place += amount
            if not ahead:
                return
            chunk = _finish(ahead.popleft(), sink)
            if not chunk:
                for reply in ahead:
                    _finish(reply, sink)
                return
            sink.write(chunk)

    def _url(self, pfn: str) -> str:
        """Return the PFN with the credentials of this instance; the token over TLS only.

        The library finds a token itself, in BEARER_TOKEN and similar, and sends it over TLS to each server that asks.
        Therefore its token protocol, ztn, is excluded unless that token is this instance's.
        """
        extra = []
        scheme = pfn.partition(":")[0].lower()
        token = self._access.bearer() if scheme in ("roots", "xroots") and "authz=" not in pfn else None
        if token:
            extra.append("authz=" + quote(f"Bearer {token}"))
        proxy = self._proxy.path()
        if proxy is not None:
            extra.append(f"xrd.gsiusrpxy={proxy}")
        if not self._access.discovers_token:
            extra.append(f"xrd.wantprot={_protocols_without_tokens()}")
        return pfn + ("&" if "?" in pfn else "?") + "&".join(extra) if extra else pfn


def _protocols_without_tokens() -> str:
    wanted = os.environ.get("XrdSecPROTOCOL") or _PROTOCOLS  # noqa: SIM112 the library spells it so
    return ",".join(name for name in wanted.split(",") if name.strip() != "ztn") or "host"


def _abandon(file: Any) -> None:  # noqa: ANN401 the bindings have no types
    """Close a file without waiting: the server may be what does not reply."""
    _abandoned.append(file)
    file.close(callback=_ignore)


def _check_size(file: Any, sink: Sink | PartSink) -> None:  # noqa: ANN401 the bindings have no types
    """Check the size that the server sent when it opened the file."""
    status, facts = file.stat(force=False)
    if status.ok and facts is not None and facts.size != sink.entry.size_bytes:
        raise WrongBytes(f"it has {facts.size:,} bytes instead of {sink.entry.size_bytes:,}")


_Reply = queue.SimpleQueue[tuple[Any, Any, Any]]


def _start(call: Callable[[Callable[..., None]], Any]) -> _Reply:
    """Begin an asynchronous call."""
    reply: _Reply = queue.SimpleQueue()
    status = call(lambda status, response, hosts: reply.put((status, response, hosts)))
    if not status.ok:
        raise _translated(status)
    return reply


def _finish(reply: _Reply, sink: Sink | PartSink) -> Any:  # noqa: ANN401
    """Wait for a response until the sink is aborted."""
    while True:
        sink.check()
        try:
            status, response, hosts = reply.get(timeout=_POLL_S)
        except queue.Empty:
            continue
        if not status.ok:
            raise _at_hop(_translated(status), hosts)
        return response


def _call(call: Callable[[Callable[..., None]], Any], sink: Sink | PartSink) -> Any:  # noqa: ANN401
    return _finish(_start(call), sink)


def _at_hop(error: Attempt, hosts: Any) -> Attempt:  # noqa: ANN401
    """Name the last of the servers that a request went to, if there are several: the door redirected it."""
    hops = [] if hosts is None else [host.url for host in hosts]
    if len(hops) > 1:
        error.happened_at(hops[-1].hostname, hops[-1].port)
    return error


def _ignore(*_: object) -> None:
    """Callback for a response that is not needed."""


def _translated(status: Any) -> Attempt:  # noqa: ANN401
    """Translate an error of XRootD. No other function does."""
    message = " ".join(str(status.message).split()).removeprefix("[ERROR] ").rstrip(". ")
    if status.code == _ERROR_RESPONSE:
        if status.errno in (_NOT_AUTHORIZED, _AUTH_REJECTED):
            return Refused(message)
        if status.errno in (_NOT_FOUND, _IS_FOLDER):
            return PermanentError(message)
        return TransientError(message, host=True)
    if status.code == _AUTH_FAILED:
        return Refused(message)
    if status.code in _UNREACHABLE:
        return Unreachable(message)
    return TransientError(message or "the connection was lost", host=True)


def bindings() -> Any:  # noqa: ANN401
    """Return the library.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        from XRootD import client
    except ImportError as error:
        raise missing_library(
            "xrootd",
            "Downloads over root:// need the library xrootd, which is not installed.",
            pip="'nbrucio[xrootd]'",
        ) from error
    return client


def _apply_limits(client: Any, limits: TransferLimits) -> None:  # noqa: ANN401
    """Set options that the library has for the whole process only; settings of the user stay."""
    settings = {
        "ConnectionWindow": int(limits.connect_s),
        "ConnectionRetry": 1,
        # Our own retry handles a lost stream; the default of half an hour would delay it.
        "StreamErrorWindow": int(limits.max_wait_s),
    }
    for name, value in settings.items():
        if f"XRD_{name.upper()}" not in os.environ:
            client.EnvPutInt(name, value)
