"""What fsspec, and uproot through it, must be told to open streamed files over https."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any

from .manifest import read_regular

#: Of a token.
_MAX_BYTES = 1 << 16


def storage_options(ca: str | None, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Options of fsspec's https file system: whom to trust, and how the user is known.

    The proxy (X509_USER_PROXY) and the bearer token (BEARER_TOKEN, or the file BEARER_TOKEN_FILE) are the kernel's own:
    no manifest holds credentials. root:// needs none of this; its libraries read the same variables themselves.

    Args:
        ca: file or folder of CAs that vouch for the storage beside those of this machine.

    Raises:
        OSError: a CA, proxy or token file that is named cannot be read (also ssl.SSLError).
    """
    context = ssl.create_default_context()
    if ca is not None:
        folder = os.path.isdir(ca)  # noqa: PTH112 - kernels import as little as they can
        context.load_verify_locations(cafile=None if folder else ca, capath=ca if folder else None)
    if environ.get("X509_USER_PROXY"):
        context.load_cert_chain(environ["X509_USER_PROXY"])
    token = _token(environ)
    headers = {"headers": {"Authorization": f"Bearer {token}"}} if token else {}
    return {"ssl": context, **headers}


def _token(environ: Mapping[str, str]) -> str | None:
    if environ.get("BEARER_TOKEN"):
        return environ["BEARER_TOKEN"].strip()
    if not environ.get("BEARER_TOKEN_FILE"):
        return None
    return read_regular(environ["BEARER_TOKEN_FILE"], _MAX_BYTES).decode("ascii").strip()
