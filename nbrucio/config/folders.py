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

    Without a home folder, or if anything but a configuration cannot be written to it, this is a private folder for
    temporary files. With a home on EOS it is on the session's local disk, see `session_folder`; except for the
    configuration, which users write themselves.

    Raises:
        BadConfig: that folder belongs to another user, or cannot be created.
    """
    disk = None if variable == "XDG_CONFIG_HOME" else session_folder(variable, environ)
    if disk is not None:
        return disk
    chosen = environ.get(variable)
    if chosen and Path(chosen).is_absolute():
        folder = Path(chosen) / "nbrucio"
        return folder if variable == "XDG_CONFIG_HOME" or _can_exist(folder) else _temporary(variable, environ)
    import platformdirs

    find = {
        "XDG_CACHE_HOME": platformdirs.user_cache_path,
        "XDG_CONFIG_HOME": platformdirs.user_config_path,
        "XDG_DATA_HOME": platformdirs.user_data_path,
        "XDG_STATE_HOME": platformdirs.user_state_path,
    }[variable]
    try:
        folder = find("nbrucio", appauthor=False)
    except RuntimeError:  # no HOME, and no entry in the table of users, as in containers with arbitrary users
        return _temporary(variable, environ)
    return folder if variable == "XDG_CONFIG_HOME" or _can_exist(folder) else _temporary(variable, environ)


def is_on_eos_home(path: str, environ: Mapping[str, str]) -> bool:
    """Return whether the home is on EOS and ``path`` is below such a home."""
    return _is_on_eos(environ.get("HOME", ""), environ) and _is_on_eos(path, environ)


def _is_on_eos(path: str, environ: Mapping[str, str]) -> bool:
    # EOS_PATH_FORMAT is SWAN's, such as /eos/user/{username[0]}/{username}/; some sites mount EOS elsewhere.
    homes = environ.get("EOS_PATH_FORMAT", "").partition("{")[0]
    return path.startswith("/eos/") or (homes.count("/") > 1 and path.startswith(homes))


#: The folders of XDG variables below a home, by the XDG Base Directory Specification.
_BELOW_HOME = {
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}


def session_folder(variable: str, environ: Mapping[str, str]) -> Path | None:
    """Return the folder on the local disk of a SWAN session; None elsewhere, and if ``variable`` names one.

    SWAN's home is on EOS, which versions every file, shares it with other machines and has a quota. The local disk is
    ``/home/$NB_USER``; a container that runs as another user has the temporary folder.
    """
    chosen = environ.get(variable, "")
    elsewhere = chosen.startswith("/") and not _is_on_eos(chosen, environ)
    if elsewhere or not _is_on_eos(environ.get("HOME", ""), environ):
        return None
    user = environ.get("NB_USER", "")
    local = Path("/home", user)
    if user and "/" not in user and os.access(local, os.W_OK | os.X_OK):
        return local / _BELOW_HOME[variable] / "nbrucio"
    return _temporary(variable, environ)


def _can_exist(folder: Path) -> bool:
    """Whether ``folder`` exists, or this user can create it."""
    if os.path.lexists(folder):
        return True
    above = next((parent for parent in folder.parents if os.path.lexists(parent)), None)
    return above is not None and above.is_dir() and os.access(above, os.W_OK | os.X_OK)


def _temporary(variable: str, environ: Mapping[str, str]) -> Path:
    """Return a folder for temporary files that no other user can write: what it contains is trusted."""
    import tempfile

    kind = variable.removeprefix("XDG_").removesuffix("_HOME").lower()
    folder = Path(environ.get("TMPDIR") or tempfile.gettempdir()) / f"nbrucio-{kind}-{os.getuid()}"
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        why = why_not_own(folder)
    except OSError as error:
        raise _unusable(folder, variable, error.strerror or "unknown error") from error
    if why:
        raise _unusable(folder, variable, why)
    return folder


def why_not_own(folder: Path) -> str | None:
    """Return why others could put something into ``folder``, as a sentence without its end; None if only this user can.

    Raises:
        OSError: it cannot be examined.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a folder"
    if found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "other users can write to it"
    return None


def _unusable(folder: Path, variable: str, why: str) -> BadConfig:
    return BadConfig(
        f"nbrucio cannot use {folder}: {why}.",
        subject=str(folder),
        hint=f"There is no home folder that can be written. Set HOME, or {variable} to a folder of your own.",
    )
