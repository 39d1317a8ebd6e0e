"""Selects the module that reads a URL scheme."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from nbrucio.core.files import Replica
from nbrucio.transfer.base import Source
from nbrucio.transfer.http import Http
from nbrucio.transfer.posix import Posix
from nbrucio.transfer.types import StorageAccess, TransferLimits
from nbrucio.transfer.xrootd import Xrootd
from nbrucio.transfer.xrootd_children import XrootdChildren, has_own_cas

_POSIX = ("file", "posix")
_HTTP = ("http", "https", "dav", "davs")
_XROOTD = ("root", "roots", "xroot", "xroots")


class Sources:
    """The sources of one run, each opened on first use. Thread-safe."""

    def __init__(self, access: Mapping[str, StorageAccess], limits: TransferLimits) -> None:
        self._access = access
        self._limits = limits
        self._guard = threading.Lock()
        self._open: dict[tuple[str, str], Source] = {}
        self._reads: dict[tuple[str, str], bool] = {}

    def source(self, instance: str, replica: Replica) -> Source | None:
        """Return the source that reads ``replica`` for ``instance``; None when its scheme is not supported.

        Raises:
            MissingDependency: the library for its scheme is not installed.
        """
        maker = self._maker(instance, replica.scheme)
        if maker is None:
            return None
        kind, make = maker
        with self._guard:
            if (instance, kind) not in self._open:
                self._open[instance, kind] = make()
            return self._open[instance, kind]

    def reads(self, instance: str, replica: Replica) -> bool:
        """Whether this scheme is supported for ``instance``."""
        key = instance, replica.scheme
        reads = self._reads.get(key)
        if reads is None:
            reads = self._reads[key] = self._maker(*key) is not None
        return reads

    def has_new_token(self, instance: str, began: float) -> bool:
        """Return whether the token of ``instance`` has changed since ``began``, see `StorageAccess`."""
        renewed = self._access.get(instance, StorageAccess()).token_renewed
        return renewed is not None and renewed(began)

    def close(self) -> None:
        """Close every source."""
        with self._guard:
            for source in self._open.values():
                source.close()

    def _maker(self, instance: str, scheme: str) -> tuple[str, Callable[[], Source]] | None:
        access = self._access.get(instance, StorageAccess())
        if scheme in _POSIX:
            return "posix", lambda: Posix(access.file_roots)
        if scheme in _HTTP:
            return "http", lambda: Http(access, self._limits)
        if scheme in _XROOTD and has_own_cas(access, scheme):
            return "xrootd in children", lambda: XrootdChildren(access, self._limits)
        if scheme in _XROOTD:
            return "xrootd", lambda: Xrootd(access, self._limits)
        return None


def is_text(pfn: str) -> bool:
    """Whether a library accepts ``pfn``: JSON can contain lone surrogates and NUL."""
    try:
        return b"\0" not in pfn.encode()
    except UnicodeEncodeError:
        return False
