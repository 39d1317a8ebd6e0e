"""Options for fsspec, and uproot through it, to open streamed files over https."""

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
    context = ssl.create_default_context()
    if ca is not None:
        folder = os.path.isdir(ca)  # noqa: PTH112 - kernels import as little as they can
        context.load_verify_locations(cafile=None if folder else ca, capath=ca if folder else None)
    if environ.get("X509_USER_PROXY"):
        context.load_cert_chain(environ["X509_USER_PROXY"])
    content = _token(token or {}, environ)
    headers = {"headers": {"Authorization": f"Bearer {content}"}} if content else {}
    return {"ssl": context, **headers}


def _token(place: Mapping[str, str], environ: Mapping[str, str]) -> str:
    if "variable" in place:
        return environ.get(place["variable"], "").strip()
    return read_regular(place["file"], _MAX_BYTES).decode("ascii").strip() if "file" in place else ""
