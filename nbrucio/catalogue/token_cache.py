"""The tokens of earlier logins, one file a login.

rucio-clients saves one file per account below ``$TMPDIR``, whatever the server and the login. It therefore sends one
server's token to another. An empty file, or one that ends in a newline, makes every command fail until it is removed by
hand. nbrucio uses a private folder with one file per server, VO, account and credential.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from nbrucio.catalogue.bearer import MARGIN_S, claims
from nbrucio.catalogue.fingerprint import key_of
from nbrucio.config import Instance
from nbrucio.config.folders import user_folder
from nbrucio.config.private import private_dir
from nbrucio.disk.atomic import write_file
from nbrucio.disk.permissions import make_private_folder
from nbrucio.disk.read import read_file, reason
from nbrucio.disk.system_errors import kind_of
from nbrucio.errors import BadConfig, NbrucioError

_MAX_BYTES = 64 * 1024
#: Rucio's tokens contain the login, and a certificate's name contains spaces.
TOKEN = re.compile(r"[\x21-\x7e]+( +[\x21-\x7e]+)*\Z")
#: A second line has the expiry that the server reported.
_SAVED = re.compile(r"\s*(?P<token>[\x21-\x7e]+(?: +[\x21-\x7e]+)*)\s*(?:\n(?P<expires>\d{1,11})\s*)?\Z")
#: Age at which unused tokens are removed: each renewed proxy is a new credential with a new file.
_SWEPT_AFTER_S = 7 * 24 * 3600


def token_file(instance: Instance, environ: Mapping[str, str]) -> Path:
    """Return the path for this login's token, in a private folder. The file contains a usable token or is absent.

    Raises:
        BadConfig: the private folder cannot be created.
    """
    path = _private_folder(environ) / f"token-{key_of(instance, environ)}"
    _remove_unusable(path)
    return path


def saved_token(instance: Instance, environ: Mapping[str, str]) -> str | None:
    """Return the usable token that an earlier login saved; None without one.

    Raises:
        BadConfig: the private folder cannot be created.
    """
    saved = saved_facts(instance, environ)
    return saved.token if saved else None


class SavedToken(NamedTuple):
    """A saved token, its expiry and the time when it was saved, in seconds since the epoch."""

    token: str
    expires_at: float | None
    saved_at: float


def saved_facts(instance: Instance, environ: Mapping[str, str]) -> SavedToken | None:
    """Return what `saved_token` returns, with its times.

    Raises:
        BadConfig: the private folder cannot be created.
    """
    path = token_file(instance, environ)
    try:
        saved = _SAVED.match(read_file(path, _MAX_BYTES, follow=False).decode("latin-1"))
        saved_at = path.lstat().st_mtime
    except OSError:
        return None
    if saved is None:
        return None
    return SavedToken(saved["token"], float(saved["expires"]) if saved["expires"] else None, saved_at)


def save_token(instance: Instance, environ: Mapping[str, str], token: str, expires_at: float | None = None) -> None:
    """Save the ``token`` of a login.

    Args:
        expires_at: its expiry in seconds since the epoch; None takes that of the token itself, if it names one.

    Raises:
        BadConfig: the private folder cannot be created or written.
        NoSpace: its disk is full.
    """
    path = token_file(instance, environ)
    end = claims(token).expires_at if expires_at is None else expires_at
    try:
        write_file(path, (token if end is None else f"{token}\n{int(end)}\n").encode("ascii"))
    except OSError as error:
        raise _unusable(path.parent, reason(error), error) from error
    _sweep(path.parent)


def forget_token(instance: Instance, environ: Mapping[str, str], token: str) -> None:
    """Remove the saved ``token``, which its server rejected, unless another has replaced it."""
    if saved_token(instance, environ) == token:
        token_file(instance, environ).unlink(missing_ok=True)


def _remove_unusable(path: Path) -> None:
    """Remove a file that is not a token, or whose token has expired."""
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MAX_BYTES:
            path.unlink()
            return
        saved = _SAVED.match(read_file(path, _MAX_BYTES, follow=False).decode("latin-1"))
        if saved is None or (saved["expires"] and int(saved["expires"]) < time.time() + MARGIN_S):
            path.unlink()
    except FileNotFoundError:
        return  # another process replaced or removed it
    except OSError as error:
        raise _unusable(path, error.strerror or "unknown error") from error


def _sweep(folder: Path) -> None:
    """Remove the tokens of credentials that are no longer used."""
    for path in folder.glob("token-*"):
        with suppress(OSError):
            if path.lstat().st_mtime < time.time() - _SWEPT_AFTER_S:
                path.unlink()


def _private_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder, created if necessary, which only this user can read."""
    folder = _parent(environ) / "tokens"
    try:
        make_private_folder(folder)
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode):
            raise _unusable(folder, "it is not a folder")
        if facts.st_uid != os.geteuid():
            raise _unusable(folder, "it belongs to another user")
        if stat.S_IMODE(facts.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise _unusable(folder, error.strerror or "unknown error", error) from error
    return folder


def _parent(environ: Mapping[str, str]) -> Path:
    configured = private_dir(environ)
    if configured is not None:
        return configured
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_absolute() and os.access(runtime, os.W_OK | os.X_OK):
        return Path(runtime) / "nbrucio"
    return user_folder("XDG_CACHE_HOME", environ)


def _unusable(path: Path, why: str, cause: OSError | None = None) -> NbrucioError:
    return kind_of(cause, BadConfig)(
        f"Login tokens cannot be saved in {path}: {why}.",
        subject=str(path),
        hint="Correct it, or set private_dir in the configuration to a folder of your own.",
    )
