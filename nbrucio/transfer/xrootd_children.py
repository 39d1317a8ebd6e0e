"""root:// and roots:// in processes of their own, for instances whose CAs are not those of this process.

XRootD's library reads the names of its CAs from the environment, once in the life of a process. One instance's storage
would be verified by another one's CAs. Besides, kernels and other libraries get the environment of this process. So
such an instance is read in children, which have an environment of their own and send the bytes through pipes.
"""

from __future__ import annotations

import os
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nbrucio.core.files import Replica
from nbrucio.disk.child import start
from nbrucio.transfer import xrootd_child
from nbrucio.transfer.base import Sink
from nbrucio.transfer.errors import TransientError
from nbrucio.transfer.types import StorageAccess, TransferLimits
from nbrucio.transfer.xrootd import bindings
from nbrucio.transfer.xrootd_proxy import ShownProxy

#: Where XRootD's library looks for CAs without a variable.
_GRID_CAS = "/etc/grid-security/certificates"
_VARIABLES = ("X509_CERT_DIR", "X509_CERT_FILE", "XrdSecGSICADIR")
#: Children of one instance. Each reads one file at a time.
_MOST = 4
_POLL_S = 0.2


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
    """Reads over XRootD from one instance's storage, in children.

    Raises:
        MissingDependency: the bindings are not installed.
    """

    def __init__(self, access: StorageAccess, limits: TransferLimits) -> None:
        bindings()
        self._access = access
        self._limits = limits
        self._proxy = ShownProxy(access)
        self._empty = tempfile.TemporaryDirectory(prefix="nbrucio-")
        self._free = threading.BoundedSemaphore(_MOST)
        self._guard = threading.Lock()
        self._idle: list[_Child] = []

    def read(self, replica: Replica, sink: Sink) -> None:
        """See `Source.read`."""
        while not self._free.acquire(timeout=_POLL_S):
            sink.check()
        try:
            child = self._take()
            sink.on_abort(child.kill)
            try:
                for chunk in child.chunks(replica.pfn, sink.offset, sink.entry.size_bytes):
                    sink.write(chunk)
            except BaseException:
                child.kill()
                sink.check()
                raise
            finally:
                sink.on_abort(None)
            with self._guard:
                self._idle.append(child)
        finally:
            self._free.release()

    def close(self) -> None:
        """See `Source.close`."""
        with self._guard:
            idle, self._idle = self._idle, []
        for child in idle:
            child.kill()
        self._empty.cleanup()
        self._proxy.close()

    def _take(self) -> _Child:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        environ = {name: value for name, value in os.environ.items() if name not in _VARIABLES}
        shown = replace(self._access, proxy=self._proxy.path(), key=None)
        return _Child(environ | ca_variables(self._access, Path(self._empty.name)), shown, self._limits)


class _Child:
    """One child, which reads one file after another."""

    def __init__(self, environ: dict[str, str], access: StorageAccess, limits: TransferLimits) -> None:
        self._process = start(xrootd_child.__name__, environ)
        self._send(xrootd_child.settings(access, limits))

    def chunks(self, pfn: str, offset: int, size_bytes: int | None) -> Iterator[bytes]:
        """Yield the bytes of a file from ``offset`` on.

        Raises:
            Attempt: see `Source.read`.
        """
        self._send(xrootd_child.order(pfn, offset, size_bytes))
        assert self._process.stdout is not None
        yield from xrootd_child.received(self._process.stdout)

    def kill(self) -> None:
        """End the process. Idempotent."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError as error:
            raise TransientError(xrootd_child.ENDED) from error
