"""root:// and roots:// in a process of its own, for instances whose CAs are not those of this process.

XRootD's library reads the names of its CAs from the environment, once in the life of a process. One instance's storage
would be verified by another one's CAs. Besides, kernels and other libraries get the environment of this process. So
such an instance is read in a child, which has an environment of its own and sends the bytes through a pipe.
"""

from __future__ import annotations

import fcntl
import os
import queue
import ssl
import sys
import tempfile
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO

from nbrucio.core.files import Replica
from nbrucio.disk.child import start
from nbrucio.disk.system_errors import shortage
from nbrucio.disk.threads import DaemonThread
from nbrucio.transfer import xrootd_child
from nbrucio.transfer.base import Sink
from nbrucio.transfer.errors import Shortage, TransientError
from nbrucio.transfer.parts import PartSink
from nbrucio.transfer.types import StorageAccess, TransferLimits
from nbrucio.transfer.xrootd import bindings
from nbrucio.transfer.xrootd_child import DATA, ERROR, Frame
from nbrucio.transfer.xrootd_handles import has_user
from nbrucio.transfer.xrootd_proxy import ShownProxy

#: Where XRootD's library looks for CAs without a variable.
_GRID_CAS = "/etc/grid-security/certificates"
_VARIABLES = ("X509_CERT_DIR", "X509_CERT_FILE", "XrdSecGSICADIR")
#: Answers that wait for the thread of a file; at most a megabyte each.
_WAITING = 2
_POLL_S = 0.2
#: Bytes that the pipe from the child holds: a frame. With the system's 64 kB both processes take turns 15 times for
#: each, and 1,000 files of 1 MB took 5.6 s instead of 4.8 s.
_PIPE_BYTES = 1 << 20


def has_own_cas(access: StorageAccess, scheme: str) -> bool:
    """Return whether storage of this scheme needs CAs that XRootD's library does not use in this process."""
    if access.ca is None:
        return scheme in ("roots", "xroots")  # the system's CAs, which the library does not know
    return str(access.ca) != os.environ.get("X509_CERT_DIR", _GRID_CAS) or bool(os.environ.get("X509_CERT_FILE"))


def ca_variables(access: StorageAccess, empty: Path) -> dict[str, str]:
    """Return the variables by which XRootD's library uses the CAs of ``access`` and no others.

    Args:
        empty: an empty folder, for where there is none. Without a name the library uses the Grid's.
    """
    is_folder = access.ca is not None and access.ca.is_dir()
    system = ssl.get_default_verify_paths()
    folder, file = (access.ca, None) if is_folder else (empty, access.ca)
    if access.ca is None or (is_folder and access.with_system_cas):
        file = Path(system.cafile) if system.cafile else None
    if access.ca is None and system.capath:
        folder = Path(system.capath)
    names = {"X509_CERT_DIR": folder, "XrdSecGSICADIR": folder, "X509_CERT_FILE": file}
    return {name: str(path) for name, path in names.items() if path is not None}


class XrootdChildren:
    """Reads over XRootD from one instance's storage, in a child. Another one replaces it when it ended.

    Raises:
        MissingDependency: the bindings are not installed.
    """

    def __init__(self, access: StorageAccess, limits: TransferLimits) -> None:
        bindings()
        self._access = access
        self._limits = limits
        self._proxy = ShownProxy(access)
        self._empty = tempfile.TemporaryDirectory(prefix="nbrucio-")
        self._guard = threading.Lock()
        self._child: _Child | None = None

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `Source.read`. The credentials are those of now."""
        if has_user(replica.pfn):
            sink.end = None
        self._living().read(replica.pfn, sink, self._proxy.path(), self._access.bearer())

    def read_part(self, replica: Replica, part: PartSink) -> None:
        """See `PartSource.read_part`."""
        self._living().read(replica.pfn, part, self._proxy.path(), self._access.bearer())

    def finish(self, replica: Replica) -> None:
        """See `PartSource.finish`."""
        with self._guard:
            if self._child is not None:
                self._child.finish(replica.pfn)

    def close(self) -> None:
        """See `Source.close`."""
        with self._guard:
            if self._child is not None:
                self._child.kill()
        self._empty.cleanup()
        self._proxy.close()

    def _living(self) -> _Child:
        with self._guard:
            if self._child is None or self._child.has_ended:
                if self._child is not None:
                    self._child.kill()
                environ = {name: value for name, value in os.environ.items() if name not in _VARIABLES}
                own = ca_variables(self._access, Path(self._empty.name))
                try:
                    self._child = _Child(environ | own, self._access, self._limits)
                except OSError as error:
                    short = shortage(error)
                    if short is None:
                        raise
                    raise Shortage(short) from error
            return self._child


class _Child:
    """One child, which reads many files at the same time. Thread-safe."""

    def __init__(self, environ: dict[str, str], access: StorageAccess, limits: TransferLimits) -> None:
        self.has_ended = False
        self._is_killed = False
        self._process = start(xrootd_child.__name__, environ)
        _widen(self._process.stdout)
        self._guard = threading.Lock()
        self._numbers = count()
        self._files: dict[int, queue.Queue[Frame]] = {}
        self._send(xrootd_child.settings(access, limits))
        self._reader = DaemonThread(self._dispatch, "nbrucio-xrootd")
        self._reader.start()

    def finish(self, pfn: str) -> None:
        """Close a file that was read in parts."""
        with suppress(TransientError):
            self._send(xrootd_child.finish(pfn))

    def read(self, pfn: str, sink: Sink | PartSink, proxy: Path | None, token: str | None) -> None:
        """Read a file into ``sink`` with these credentials. Raises the errors of `Source.read`."""
        number, frames = next(self._numbers), queue.Queue[Frame](_WAITING)
        self._files[number] = frames
        is_done = False
        try:
            self._send(xrootd_child.order(number, pfn, sink, proxy, token))
            while not is_done:
                frame = self._next(frames, sink)
                is_done = frame.kind != DATA
                if frame.kind == ERROR:
                    raise frame.error()
                if frame.kind == DATA:
                    sink.write(frame.content)
        finally:
            del self._files[number]
            if not is_done:
                with suppress(TransientError):
                    self._send(xrootd_child.stop(number))

    def kill(self) -> None:
        """End the process. Idempotent."""
        self._is_killed = True
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _next(self, frames: queue.Queue[Frame], sink: Sink | PartSink) -> Frame:
        while True:
            sink.check()
            had_ended = self.has_ended  # asked first: the last frames are put before it is set
            try:
                return frames.get(timeout=_POLL_S)
            except queue.Empty:
                if had_ended:
                    raise TransientError(xrootd_child.ENDED) from None

    def _dispatch(self) -> None:
        """Give each frame to the thread of its file. Frames of files that nobody reads are dropped."""
        assert self._process.stdout is not None
        for frame in xrootd_child.received(self._process.stdout):
            while (frames := self._files.get(frame.number)) is not None and not self._is_killed:
                try:
                    frames.put(frame, timeout=_POLL_S)
                except queue.Full:
                    continue
                break
        self.has_ended = True

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            with self._guard:
                self._process.stdin.write(line)
                self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise TransientError(xrootd_child.ENDED) from error


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold `_PIPE_BYTES`, where the system and its limits allow it."""
    if sys.platform == "linux" and pipe is not None:
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
