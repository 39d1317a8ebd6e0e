"""The private folder of this user: for login tokens, proxies and the consent to downloads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nbrucio.config.folders import session_folder, user_folder, why_not_own
from nbrucio.config.load import SYSTEM_FILE, read_files
from nbrucio.config.places import private_path
from nbrucio.config.table import Table
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import reason
from nbrucio.errors import BadConfig


def private_dir(environ: Mapping[str, str], system_file: Path = SYSTEM_FILE) -> Path | None:
    """Return the folder of the setting ``private_dir``, the user's or the operator's, created if necessary; None
    without one.

    Raises:
        BadConfig: the setting is wrong, a configuration file cannot be read, or others can write to the folder.
    """
    system, user = read_files(environ, system_file)
    empty = Table("", {}, environ)
    path = private_path(system or empty, user or empty, environ=environ)
    if path is not None:
        try:
            make_private_folder(path)
            why = why_not_own(path)
        except OSError as error:
            why = reason(error)
        if why:
            raise BadConfig(
                f"nbrucio cannot use the private folder {path}: {why}.",
                subject=str(path),
                hint="Correct it, or set private_dir to a folder of your own.",
            )
    return path


def consent_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder for the user's consent: `private_dir`, else the session's local disk, else the user's folder of
    configurations.
    """
    try:
        configured = private_dir(environ)
    except BadConfig:  # each sync reports it, and a server has to start
        configured = None
    variable = "XDG_CONFIG_HOME"
    return configured or session_folder(variable, environ) or user_folder(variable, environ)


def state_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder for a server's own state: `private_dir`, else the user's; None if neither can be used."""
    try:
        return private_dir(environ) or user_folder("XDG_STATE_HOME", environ)
    except BadConfig:  # each sync reports it, and a server has to start
        return None


def private_proxy(environ: Mapping[str, str]) -> Path | None:
    """Return the file for the user's proxy in the private folder; None without ``private_dir``, when the Grid's usual
    place counts.

    Raises:
        BadConfig: as `private_dir`.
    """
    folder = private_dir(environ)
    return None if folder is None else folder / f"x509up_u{os.geteuid()}"
