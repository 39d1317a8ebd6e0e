"""Combine the settings of operator, user and environment into the folders of this user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nbrucio.config.folders import is_on_eos_home, user_folder
from nbrucio.config.path_text import expand
from nbrucio.config.table import Table

#: The setting for login tokens, proxies and consent.
PRIVATE = "private_dir"


def store_path(system: Table, user: Table, *, environ: Mapping[str, str]) -> Path:
    """Return the store folder: NBRUCIO_STORE, else the user's, else the operator's, else one in the cache folder.

    Raises:
        BadConfig: the setting is wrong.
    """
    chosen = environ.get("NBRUCIO_STORE")
    configured = [table for table in (user, system) if table.path("path")]
    if chosen:
        return expand(chosen, Path.cwd(), environ)
    path = configured[0].complete_path("path") if configured else None
    return path or user_folder("XDG_CACHE_HOME", environ) / "store"


def shared_stores(system: Table, user: Table, *, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the stores below the user's own: those of the user's file, then the operator's, each once.

    Raises:
        BadConfig: a setting is wrong.
    """
    own = store_path(system, user, environ=environ)
    return tuple(dict.fromkeys(path for table in (user, system) for path in table.paths("shared") if path != own))


def private_path(system: Table, user: Table, *, environ: Mapping[str, str]) -> Path | None:
    """Return the private folder: the user's, else the operator's, from their top tables; None where neither sets one.

    Raises:
        BadConfig: the setting is wrong.
    """
    table = user if PRIVATE in user.values else system
    path = table.complete_path(PRIVATE)
    if path is not None and is_on_eos_home(str(path), environ):
        raise table.fault(PRIVATE, f"names {path}, which is below a home on EOS; choose a folder on a local disk")
    return path
