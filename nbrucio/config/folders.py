"""The folders of this user for caches, configuration and state."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nbrucio.errors import BadConfig


def user_folder(variable: str, environ: Mapping[str, str]) -> Path:
    """Return the folder of nbrucio below that of an XDG variable; if unset, the folder that platformdirs gives.

    Without a home folder, or if a cache or state cannot be written to it, this is a private folder for temporary files.

    Raises:
        BadConfig: that folder belongs to another user, or cannot be created.
    """
    chosen = environ.get(variable)
    if chosen and Path(chosen).is_absolute():
        return Path(chosen) / "nbrucio"
    disk = _session_disk(environ) if variable == "XDG_CACHE_HOME" else None
    if disk is not None:
        return disk
    import platformdirs

    find = {
        "XDG_CACHE_HOME": platformdirs.user_cache_path,
        "XDG_CONFIG_HOME": platformdirs.user_config_path,
        "XDG_STATE_HOME": platformdirs.user_state_path,
    }[variable]
    try:
        folder = find("nbrucio", appauthor=False)
    except RuntimeError:  # no HOME, and no entry in the table of users, as in containers with arbitrary users
        return _temporary(variable, environ)
    return folder if variable == "XDG_CONFIG_HOME" or _can_exist(folder) else _temporary(variable, environ)


def _is_on_eos(path: str, environ: Mapping[str, str]) -> bool:
    # EOS_PATH_FORMAT is SWAN's, such as /eos/user/{username[0]}/{username}/; some sites mount EOS elsewhere.
    homes = environ.get("EOS_PATH_FORMAT", "").partition("{")[0]
    return path.startswith("/eos/") or (homes.count("/") > 1 and path.startswith(homes))


def _session_disk(environ: Mapping[str, str]) -> Path | None:
    """Return the cache folder of a SWAN session; None elsewhere. SWAN's home is on EOS, which versions every file,
    shares it with other machines and has a quota. The local disk is
    ``/home/$NB_USER``; a container that runs as another user has the temporary folder.
    """
    if not _is_on_eos(environ.get("HOME", ""), environ):
        return None
    user = environ.get("NB_USER", "")
    local = Path("/home", user)
    if user and "/" not in user and os.access(local, os.W_OK | os.X_OK):
        return local / ".cache" / "nbrucio"
    return _temporary("XDG_CACHE_HOME", environ)


def _can_exist(folder: Path) -> bool:
    """Whether ``folder`` exists, or this user can create it."""
    if os.path.lexists(folder):
        return True
    above = next((parent for parent in folder.parents if os.path.lexists(parent)), None)
    return above is not None and os.access(above, os.W_OK | os.X_OK)


def _temporary(variable: str, environ: Mapping[str, str]) -> Path:
    """Return a folder for temporary files that no other user can write: what it contains is trusted."""
    import tempfile

    kind = variable.removeprefix("XDG_").removesuffix("_HOME").lower()
    folder = Path(environ.get("TMPDIR") or tempfile.gettempdir()) / f"nbrucio-{kind}-{os.getuid()}"
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as error:
        raise _unusable(folder, variable, error.strerror or "unknown error") from error
    if not stat.S_ISDIR(found.st_mode):
        raise _unusable(folder, variable, "it is not a folder")
    if found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _unusable(folder, variable, "other users can write to it")
    return folder


def _unusable(folder: Path, variable: str, why: str) -> BadConfig:
    return BadConfig(
        f"nbrucio cannot use {folder}: {why}.",
        subject=str(folder),
        hint=f"There is no home folder that can be written. Set HOME, or {variable} to a folder of your own.",
    )
