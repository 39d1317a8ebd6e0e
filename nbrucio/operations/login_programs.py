"""Programs that get credentials for the user: voms-proxy-init, kinit, htgettoken, oidc-token.

They are run by their arguments, never by a shell, and their names come from here or from the configuration.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbrucio.catalogue.errors import rejected
from nbrucio.catalogue.renewal import output_of, token_of_command
from nbrucio.catalogue.token_cache import TOKEN
from nbrucio.config import Instance
from nbrucio.disk.read import read_file
from nbrucio.errors import CredentialsRejected, MissingDependency

_MAX_TOKEN = 64 * 1024
_BY_HAND = "Run it by hand to see why."


def find(program: str, environ: Mapping[str, str]) -> str | None:
    """Return the path of ``program``; None where it is not installed."""
    return shutil.which(program, path=environ.get("PATH"))


def run(
    instance: Instance, command: Sequence[str], environ: Mapping[str, str], *, at_terminal: bool, given: str = ""
) -> None:
    """Run ``command``. At a terminal, what it prints goes to stderr, because stdout has our result.

    Args:
        at_terminal: whether it may ask the user; otherwise its last line becomes part of the error.
        given: a passphrase, which it reads on stdin where there is no terminal.

    Raises:
        CredentialsRejected: it ended with an error.
    """
    if at_terminal:
        done = subprocess.run(list(command), env=dict(environ), stdout=sys.stderr.fileno(), check=False)  # noqa: S603
        name, code = Path(command[0]).name, done.returncode
        if code:
            raise rejected(instance, f"{name} ended with exit code {code}", f"See what {name} printed above.")
        return
    try:
        output_of(instance, command, environ, given=f"{given}\n")
    except CredentialsRejected as error:
        error.hint = "Check the passphrase and try again."
        raise


def has_ticket(environ: Mapping[str, str]) -> bool | None:
    """Return whether there is a valid Kerberos ticket; None where klist is not installed."""
    klist = find("klist", environ)
    if klist is None:
        return None
    return subprocess.run([klist, "-s"], env=dict(environ), check=False).returncode == 0  # noqa: S603


def token_program(instance: Instance, environ: Mapping[str, str], words: Sequence[str]) -> str | None:
    """Return the program that can get a token for ``instance`` as it is set up here; None without one."""
    if find("htgettoken", environ) and (words or environ.get("HTGETTOKENOPTS")):
        return "htgettoken"
    if find("oidc-token", environ) and environ.get("OIDC_SOCK") and (words or instance.credentials.oidc.get("issuer")):
        return "oidc-token"
    return None


def token_by(
    program: str, instance: Instance, environ: Mapping[str, str], words: Sequence[str], at_terminal: bool
) -> str:
    """Return the token that ``program`` gets.

    Raises:
        MissingDependency: it is not installed.
        CredentialsRejected: it failed.
    """
    path = find(program, environ)
    if path is None:
        raise MissingDependency(f"{program} is not installed on this machine.", subject=program)
    if program == "oidc-token":
        command = (path, *_oidc_words(instance, words))
        return token_of_command(instance, environ, command, at_terminal=at_terminal)
    with tempfile.TemporaryDirectory(prefix="nbrucio-") as folder:
        file = Path(folder) / "token"
        # Not the user's usual file: a token for one instance would replace another's.
        run(instance, (path, *words), {**environ, "BEARER_TOKEN_FILE": str(file)}, at_terminal=at_terminal)
        try:
            token = read_file(file, _MAX_TOKEN).decode("latin-1").strip()
        except OSError as error:
            raise rejected(instance, f"{program} wrote no token", _BY_HAND) from error
    if not TOKEN.match(token):
        raise rejected(instance, f"{program} wrote no token", _BY_HAND)
    return token


def _oidc_words(instance: Instance, words: Sequence[str]) -> Sequence[str]:
    """Arguments of oidc-token: those that the user wrote, else issuer, audience and scope of the configuration."""
    if words:
        return words
    oidc = instance.credentials.oidc
    options = [("--aud", oidc.get("audience")), ("--scope", oidc.get("scope"))]
    return (*(word for name, value in options if value for word in (name, value)), oidc.get("issuer", ""))
