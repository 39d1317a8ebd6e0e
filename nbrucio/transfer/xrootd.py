"""root:// and roots://, through the `xrootd` bindings in this process: many files share one connection to a server."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from nbrucio.core.files import Replica
from nbrucio.errors import MissingDependency
from nbrucio.transfer.base import CHUNK_BYTES, Sink
from nbrucio.transfer.errors import Attempt, PermanentError, Refused, TransientError, Unreachable
from nbrucio.transfer.types import StorageAccess, TransferLimits

#: Reads that are under way at once for one file, so that the next bytes travel while these are written.
_AHEAD = 3
#: How often a wait for the server looks whether it should end.
_LOOK_S = 0.2
#: How long the end of a run waits for servers to say that files are closed.
_CLOSE_S = 0.5
#: Codes of XrdCl (XrdClStatus.hh): the server answered with an error of its own, or could not be reached.
_ERROR_RESPONSE = 400
_UNREACHABLE = (101, 103, 104, 107, 108, 109)
_AUTH_FAILED = 204
#: Codes of the protocol (XProtocol.hh).
_NOT_AUTHORIZED, _NOT_FOUND, _IS_FOLDER, _AUTH_REJECTED = 3010, 3011, 3016, 3030

#: What the library can log in by, besides ztn.
_PROTOCOLS = "gsi,krb5,sss,unix,pwd,host"

#: Files whose server never answered. Their callbacks may still come, so they must live as long as the process.
_abandoned: list[Any] = []


class Xrootd:
    """Reads over XRootD for one instance's storage.

    Raises:
        MissingDependency: the bindings are not installed.
    """

    def __init__(self, access: StorageAccess, limits: TransferLimits) -> None:
        self._access = access
        self._limits = limits
        try:
            from XRootD import client
        except ImportError as error:
            raise MissingDependency(
                "root:// needs the package xrootd, which is not installed.",
                hint="Install nbrucio with its extra xrootd.",
                next_command="pip install 'nbrucio[xrootd]'",
            ) from error
        self._client = client
        self._guard = threading.Condition()
        self._closing: set[Any] = set()
        _settle_environment(client, access, limits)

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `Source`."""
        file = self._client.File()
        try:
            _call(lambda done: file.open(self._url(replica.pfn), 0x10, 0, 0, done), sink)
            self._take(file, sink)
        except BaseException:
            # Not waited for: the server may be what does not answer.
            _abandoned.append(file)
            file.close(callback=_ignore)
            raise
        self._close(file)

    def close(self) -> None:
        """Wait a moment for files that are being closed. Connections are the bindings' own to keep and end."""
        with self._guard:
            self._guard.wait_for(lambda: not self._closing, _CLOSE_S)
            _abandoned.extend(self._closing)

    def _close(self, file: Any) -> None:  # noqa: ANN401 the bindings have no types
        """Close a file that was read to its end. Nobody waits for it: that would be a third of a small file's time."""

        def done(*_: object) -> None:
            with self._guard:
                self._closing.discard(file)
                self._guard.notify_all()

        with self._guard:
            self._closing.add(file)
        if not file.close(callback=done).ok:
            done()

    def _take(self, file: Any, sink: Sink) -> None:  # noqa: ANN401 the bindings have no types
        """Read from the sink's offset to the end, a few reads ahead."""
        ahead: deque[_Reply] = deque()
        place, end = sink.offset, sink.entry.size_bytes
        while True:
            # One byte more than the catalogue says is asked for, so that a longer file is found out.
            while len(ahead) < _AHEAD and (end is None or place <= end):
                amount = CHUNK_BYTES if end is None else min(CHUNK_BYTES, end + 1 - place)
                ahead.append(_start(lambda done, at=place, size=amount: file.read(at, size, 0, done)))  # type: ignore[misc]
                place += amount
            if not ahead:
                return
            chunk = _finish(ahead.popleft(), sink)
            if not chunk:
                for answer in ahead:
                    _finish(answer, sink)
                return
            sink.write(chunk)

    def _url(self, pfn: str) -> str:
        """The PFN with what this instance's storage wants to see. The token goes over TLS only.

        The library finds a token in BEARER_TOKEN and the like by itself, and sends it over TLS to each server that
        asks. So its protocol for that, ztn, is left out unless the token is this instance's.
        """
        extra = []
        scheme = pfn.partition(":")[0].lower()
        if self._access.token and scheme in ("roots", "xroots") and "authz=" not in pfn:
            extra.append("authz=" + quote(f"Bearer {self._access.token}"))
        if self._access.proxy is not None:
            extra.append(f"xrd.gsiusrpxy={self._access.proxy}")
        if not self._access.discovers_token:
            extra.append(f"xrd.wantprot={_protocols_without_tokens()}")
        return pfn + ("&" if "?" in pfn else "?") + "&".join(extra) if extra else pfn


def _protocols_without_tokens() -> str:
    wanted = os.environ.get("XrdSecPROTOCOL") or _PROTOCOLS  # noqa: SIM112 the library spells it so
    return ",".join(name for name in wanted.split(",") if name.strip() != "ztn") or "host"


_Reply = queue.SimpleQueue[tuple[Any, Any]]


def _start(call: Callable[[Callable[..., None]], Any]) -> _Reply:
    """Begin a call; its answer comes later."""
    answer: _Reply = queue.SimpleQueue()
    status = call(lambda status, response, _hosts: answer.put((status, response)))
    if not status.ok:
        raise _fault(status)
    return answer


def _finish(answer: _Reply, sink: Sink) -> Any:  # noqa: ANN401
    """Wait for an answer, as long as the sink is not aborted."""
    while True:
        sink.check()
        try:
            status, response = answer.get(timeout=_LOOK_S)
        except queue.Empty:
            continue
        if not status.ok:
            raise _fault(status)
        return response


def _call(call: Callable[[Callable[..., None]], Any], sink: Sink) -> Any:  # noqa: ANN401
    return _finish(_start(call), sink)


def _ignore(*_: object) -> None:
    """Nobody waits for this answer."""


def _fault(status: Any) -> Attempt:  # noqa: ANN401
    """The one boundary between the errors of XRootD and ours."""
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


def _settle_environment(client: Any, access: StorageAccess, limits: TransferLimits) -> None:  # noqa: ANN401
    """Settings that the bindings know for the whole process only; what the user set stays."""
    settings = {
        "ConnectionWindow": int(limits.connect_s),
        "ConnectionRetry": 1,
        # A lost stream is our own retry's affair; the default of half an hour would hide it from us.
        "StreamErrorWindow": int(limits.max_wait_s),
    }
    for name, value in settings.items():
        if f"XRD_{name.upper()}" not in os.environ:
            client.EnvPutInt(name, value)
    if access.ca is not None:
        os.environ.setdefault("X509_CERT_DIR" if access.ca.is_dir() else "X509_CERT_FILE", str(access.ca))
