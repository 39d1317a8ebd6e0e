"""Settings of rucio-jupyterlab's ``$url``: a JSON file on a web server, cached, with the last copy when it is away.

rucio-jupyterlab caches it for 24 hours, or until ``cache_expires_at``, and so does this module.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from nbrucio.config.folders import user_folder
from nbrucio.core.text import human_moment
from nbrucio.disk.atomic import write_file
from nbrucio.disk.read import SMALL_BYTES, parse_json, read_json

#: Every command reads the configuration, so a server that is away may cost this much, and not again for `_RETRY_S`.
_CONNECT_S, _READ_S = 3.0, 5.0
_RETRY_S = 300.0
_CACHED_S = 24 * 3600.0
MAX_BYTES = 1 << 20


class Remote(NamedTuple):
    """Remote settings.

    Attributes:
        settings: as rucio-jupyterlab writes them; empty without a copy.
        notice: why they are missing or old, one sentence; None when they are current.
    """

    settings: Mapping[str, object]
    notice: str | None = None


def remote_settings(url: str, environ: Mapping[str, str], *, offline: bool, expires_at: object = None) -> Remote:
    """Return the settings at ``url``.

    Args:
        url: only https is accepted: whoever changes the answer on the way would choose the Rucio server.
        environ: the environment, whose cache folder keeps the copy.
        offline: whether the network may not be used.
        expires_at: the row's ``cache_expires_at``, in seconds since the epoch.
    """
    file = user_folder("XDG_CACHE_HOME", environ) / "remote" / f"{hashlib.sha256(url.encode()).hexdigest()}.json"
    copy = _copy(file)
    now = time.time()
    if now < _number(copy.get("expires_at")):
        return Remote(_settings(copy))
    why = "nbrucio works offline" if offline else str(copy.get("failure", "")) or None
    if why is None or (not offline and now >= _number(copy.get("failed_at")) + _RETRY_S):
        found = _fetched(url)
        if not isinstance(found, str):
            until = max(_number(expires_at), now + _RETRY_S) if expires_at else now + _CACHED_S
            _save(file, {"settings": found, "read_at": now, "expires_at": until})
            return Remote(found)
        why = found
        _save(file, {**copy, "failed_at": now, "failure": why})
    read_at = copy.get("read_at")
    used = f"the copy of {human_moment(_number(read_at))} is used" if read_at else "there is no earlier copy"
    return Remote(_settings(copy), f"{url} cannot be read ({why}); {used}.")


def with_remote(
    row: Mapping[str, object], environ: Mapping[str, str], *, offline: bool
) -> tuple[Mapping[str, object], str | None]:
    """Return an instance of ``RucioConfig`` with the settings at its ``$url``, over which its own take precedence.

    The second value is the notice of `Remote`.
    """
    url = row.get("$url")
    if not isinstance(url, str):
        return row, None
    found = remote_settings(url.strip(), environ, offline=offline, expires_at=row.get("cache_expires_at"))
    return {**found.settings, **row}, found.notice


def _fetched(url: str) -> dict[str, object] | str:
    """Return the settings at a URL, or why there are none."""
    from nbrucio.http import Client, HttpError, NotTrusted, Request, Timeouts  # only sessions with a $url need it

    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        return "it must be an https URL without a login"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with closing(Client(f"https://{parts.netloc}", timeouts=Timeouts(_CONNECT_S, _READ_S))) as client:
            response = client.ask(Request("GET", path), {"Accept": "application/json"})
            if response.status != 200:
                response.close()
                return f"HTTP status {response.status}"
            value = parse_json(response.content(MAX_BYTES))
    except NotTrusted:
        return "its TLS certificate is not accepted"
    except HttpError as error:
        return str(error)
    except ValueError:
        return "it is not JSON"
    if not isinstance(value, dict):
        return "it is not a JSON object"
    return {str(name): each for name, each in value.items() if name != "$url"}


def _copy(file: Path) -> Mapping[str, object]:
    try:
        value = read_json(file, SMALL_BYTES + MAX_BYTES, follow=False)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _settings(copy: Mapping[str, object]) -> Mapping[str, object]:
    settings = copy.get("settings")
    return settings if isinstance(settings, dict) else {}


def _save(file: Path, value: Mapping[str, object]) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(file, json.dumps(value).encode())
    except OSError:
        return  # without a copy the next command asks again


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
