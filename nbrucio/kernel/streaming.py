"""Options for fsspec, and uproot through it, to open streamed files over https.

They pickle by the names of files and variables: a worker reads its own, and no token is in what is sent to it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any

from .manifest import read_regular

#: Of a token.
_MAX_BYTES = 1 << 16


def storage_options(
    ca: str | None, token: Mapping[str, str] | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Options of fsspec's https file system: trusted CAs, and the user's credentials.

    The proxy (X509_USER_PROXY) and the bearer token are the kernel's own: no manifest contains credentials. Only the
    token that the manifest names for this storage is sent there. root:// needs none of this, because its libraries find
    credentials themselves.

    Args:
        ca: file or folder of CAs of the storage, in addition to those of this machine.
        token: the place of the token for the storage: ``{"variable": NAME}`` or ``{"file": PATH}``; None sends no
        token.

    Raises:
        OSError: a CA, proxy or token file that is named cannot be read (also ssl.SSLError).
    """
    headers = _Headers(token or {}, environ)
    return {"ssl": _Trust.of(ca, environ.get("X509_USER_PROXY")), **({"headers": headers} if headers else {})}


class _Trust(ssl.SSLContext):
    """The trusted CAs and the user's proxy."""

    sent_as: tuple[str | None, bool]

    @classmethod
    def of(cls, ca: str | None, proxy: str | None) -> _Trust:
        context = ssl.create_default_context()
        context.__class__ = cls  # with the defaults of that function, which differ between versions of Python
        assert isinstance(context, cls)
        context.sent_as = (ca, bool(proxy))
        if ca is not None:
            folder = os.path.isdir(ca)  # noqa: PTH112 - kernels import as little as they can
            context.load_verify_locations(cafile=None if folder else ca, capath=ca if folder else None)
        if proxy:
            context.load_cert_chain(proxy)
        return context

    def __reduce__(self) -> tuple[Any, ...]:
        return _trust_here, self.sent_as


class _Headers(dict):  # type: ignore[type-arg] # Python 3.9 has no other form for a base class
    """The header with the token; empty without one."""

    def __init__(self, place: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> None:
        content = _token(place, environ)
        super().__init__({"Authorization": f"Bearer {content}"} if content else {})
        self._place = dict(place)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Headers, (self._place,)


def _trust_here(ca: str | None, with_proxy: bool) -> _Trust:
    """Return the context of this node: its own proxy, if the sender used one, and the CAs of the same name."""
    return _Trust.of(ca, os.environ.get("X509_USER_PROXY") if with_proxy else None)


def _token(place: Mapping[str, str], environ: Mapping[str, str]) -> str:
    if "variable" in place:
        return environ.get(place["variable"], "").strip()
    return read_regular(place["file"], _MAX_BYTES).decode("ascii").strip() if "file" in place else ""
