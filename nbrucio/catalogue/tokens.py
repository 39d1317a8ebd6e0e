"""Where the login tokens of Rucio servers are kept: a private folder, one file a server, account and login.

rucio-clients itself keeps one file an account below ``$TMPDIR``, whatever the server, and so sends each server the
other's token; and an empty file, or one that ends in a newline, fails every command until it is removed by hand.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Mapping
from pathlib import Path

from nbrucio.atomic import write_file
from nbrucio.config import Instance
from nbrucio.errors import BadConfig
from nbrucio.fileaccess import make_private_folder
from nbrucio.readfile import read_file

#: Rucio's tokens live for an hour. One that is about to expire costs a refused request; a new one costs no more.
_MAX_AGE_S = 55 * 60
_MAX_BYTES = 64 * 1024
_TOKEN = re.compile(rb"[\x21-\x7e]+\Z")


def token_file(instance: Instance, environ: Mapping[str, str]) -> Path:
    """The file for the token of this login, in a folder of this user's alone. It holds a usable token or is absent.

    Raises:
        BadConfig: no private folder can be made.
    """
    folder = _private_folder(environ)
    login = instance.credentials
    parts = (instance.host, instance.auth_host, instance.vo, instance.account, instance.auth_type, login.username)
    files = (login.client_cert, login.client_proxy, login.ssh_private_key)
    key = "\n".join(str(part) for part in (*parts, *files))
    path = folder / f"token-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    _keep_usable(path)
    return path


def kept_token(instance: Instance, environ: Mapping[str, str]) -> str | None:
    """The usable token that an earlier login left for this one; None without.

    Raises:
        BadConfig: no private folder can be made.
    """
    try:
        return read_file(token_file(instance, environ), _MAX_BYTES, follow=False).decode("ascii")
    except OSError:
        return None


def forget_token(instance: Instance, environ: Mapping[str, str], token: str) -> None:
    """Remove the kept ``token``, which its server refused, unless another has taken its place."""
    if kept_token(instance, environ) == token:
        token_file(instance, environ).unlink(missing_ok=True)


def _keep_usable(path: Path) -> None:
    """Remove what is no token, and take from a token the space around it."""
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MAX_BYTES or time.time() - facts.st_mtime > _MAX_AGE_S:
            path.unlink()
            return
        content = read_file(path, _MAX_BYTES, follow=False)
        token = content.strip()
        if not _TOKEN.match(token):
            path.unlink()
        elif token != content:
            write_file(path, token)
    except FileNotFoundError:
        return  # another process replaced or removed it just now
    except OSError as error:
        raise _unusable(path, error.strerror or "unknown fault") from error


def _private_folder(environ: Mapping[str, str]) -> Path:
    """The folder, made if need be, with nobody else let in."""
    folder = _parent(environ) / "tokens"
    try:
        make_private_folder(folder)
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode):
            raise _unusable(folder, "it is no folder")
        if facts.st_uid != os.geteuid():
            raise _unusable(folder, "it belongs to another user")
        if stat.S_IMODE(facts.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise _unusable(folder, error.strerror or "unknown fault") from error
    return folder


def _parent(environ: Mapping[str, str]) -> Path:
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_absolute() and os.access(runtime, os.W_OK | os.X_OK):
        return Path(runtime) / "nbrucio"
    from nbrucio.config.policy import user_folder

    return user_folder("XDG_CACHE_HOME", environ)


def _unusable(path: Path, why: str) -> BadConfig:
    return BadConfig(
        f"{path} cannot keep login tokens: {why}.",
        subject=str(path),
        hint="Correct it, or point XDG_CACHE_HOME to a folder of your own.",
    )
