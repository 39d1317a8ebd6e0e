"""Renew the saved token of an OIDC login without the user: by a command, by JupyterHub, or by Rucio's refresh token."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from nbrucio.catalogue.bearer import claims
from nbrucio.catalogue.errors import ServerRefusal, rejected, tidy
from nbrucio.catalogue.hub_token import token_of_hub
from nbrucio.catalogue.login_requests import WHOAMI, account_in, asked
from nbrucio.catalogue.login_tokens import expiry
from nbrucio.catalogue.token_cache import TOKEN, SavedToken, save_token, saved_facts, token_file
from nbrucio.config import Instance, Policy
from nbrucio.disk.locks import locked
from nbrucio.errors import CredentialsRejected, MissingDependency
from nbrucio.http import HttpError, Timeouts

#: Seconds that the command may take: it may ask an agent or a vault over the network.
COMMAND_S = 60.0
#: Seconds before the end at which a token is refreshed, as rucio-clients' ``auth_oidc_refresh_before_exp``. A token of
#: a shorter life is refreshed in its second half.
BEFORE_END_S = 20 * 60.0
#: Seconds after which a refresh without a result is tried again.
AGAIN_S = 60.0
#: Seconds to wait for another process that renews it.
_LOCK_S = 70.0
_MAX_TOKEN = 64 * 1024


class Renewal:
    """Renews the saved token of one instance before it ends: once for all processes and threads. Thread-safe.

    Args:
        instance: the Rucio server.
        environ: the environment, also of the command.
        policy: timeouts, and whether the network may be used.
    """

    def __init__(self, instance: Instance, environ: Mapping[str, str], policy: Policy) -> None:
        self._instance = instance
        self._environ = environ
        self._policy = policy
        self._lock = threading.Lock()
        self._failed: CredentialsRejected | None = None
        self._not_before = 0.0

    def __call__(self) -> None:
        """Renew the token if that is due and possible. A refresh that fails is tried again while the token lasts.

        Raises:
            BadConfig: the private folder cannot be created.
            CredentialsRejected: the command failed, in this call or an earlier one.
        """
        if not self._is_renewable() or not self._is_due():
            return
        with self._lock:
            if self._failed is not None:
                raise self._failed
            with ExitStack() as held:
                with suppress(OSError, MissingDependency):  # the lock only saves requests
                    held.enter_context(locked(token_file(self._instance, self._environ).with_suffix(".new"), _LOCK_S))
                if self._is_due():  # no other process has renewed it
                    self._renew()

    def _is_renewable(self) -> bool:
        login = self._instance.credentials
        if self._instance.auth_type != "oidc" or self._policy.offline:
            return False
        return bool(login.token_command or login.hub_token) or _is_refreshable(self._instance)

    def _is_due(self) -> bool:
        saved = saved_facts(self._instance, self._environ)
        login = self._instance.credentials
        if saved is None:
            return bool(login.token_command or login.hub_token)
        if login.token_command or saved.expires_at is None or time.time() < self._not_before:
            return False
        life = saved.expires_at - saved.saved_at
        before_s = self._instance.credentials.refresh_before_s
        return time.time() > saved.expires_at - (min(BEFORE_END_S, life / 2) if before_s is None else before_s)

    def _renew(self) -> None:
        if self._instance.credentials.token_command:
            try:
                save_token(self._instance, self._environ, token_of_command(self._instance, self._environ))
            except CredentialsRejected as error:
                self._failed = error
                raise
            return
        self._not_before = time.time() + AGAIN_S
        saved = saved_facts(self._instance, self._environ)
        if self._instance.credentials.hub_token:
            self._ask_hub(has_token=saved is not None)
            return
        found = saved and self._refreshed(saved)
        if found:
            save_token(self._instance, self._environ, *found)

    def _ask_hub(self, *, has_token: bool) -> None:
        """Save the hub's token; while there is still one, a hub that does not answer is asked again later."""
        timeouts = Timeouts(self._policy.connect_timeout_s, self._policy.read_timeout_s)
        try:
            save_token(self._instance, self._environ, token_of_hub(self._instance, self._environ, timeouts))
        except CredentialsRejected as error:
            if not has_token:
                self._failed = error
                raise

    def _refreshed(self, saved: SavedToken) -> tuple[str, float | None] | None:
        """Return the next token, as ``rucio`` asks for it, and its end; None without one."""
        timeouts = Timeouts(self._policy.connect_timeout_s, self._policy.read_timeout_s)
        headers = {"X-Rucio-Auth-Token": saved.token}
        try:
            if self._instance.account is None:
                on_host = self._instance._replace(auth_host=self._instance.host)
                with asked(on_host, WHOAMI, headers, timeouts) as answer:
                    headers["X-Rucio-Account"] = account_in(answer)
            with asked(self._instance, "/auth/oidc_refresh", headers, timeouts) as answer:
                answer.close()
        except (HttpError, ServerRefusal):
            return None
        token = answer.headers.get("X-Rucio-Auth-Token", "")
        return (token, expiry(answer.headers)) if answer.status == 200 and TOKEN.match(token) else None


def _is_refreshable(instance: Instance) -> bool:
    """Whether Rucio may have a refresh token, by the configuration or by the scope of the login."""
    login = instance.credentials
    return login.refresh_before_s is not None or "offline_access" in login.oidc.get("scope", "").split()


def renewer_of(instance: Instance) -> str | None:
    """Return what renews the saved token of an OIDC login, as a phrase; None when only the user can."""
    command = instance.credentials.token_command
    if command:
        return f"token_command ({command[0]})"
    if instance.credentials.hub_token:
        return "JupyterHub, which nbrucio asks for it"
    return "Rucio, by a refresh token" if _is_refreshable(instance) else None


def token_of_command(
    instance: Instance, environ: Mapping[str, str], command: tuple[str, ...] = (), *, at_terminal: bool = False
) -> str:
    """Run a command without a shell and return the token that it prints.

    Args:
        command: the program and its arguments; the configured one when empty.
        at_terminal: whether the command may ask the user; otherwise its stderr becomes part of the error.

    Raises:
        CredentialsRejected: it failed, printed no token, or one that cannot be used.
    """
    words = command or instance.credentials.token_command
    name = Path(words[0]).name
    output = output_of(instance, words, environ, at_terminal=at_terminal)
    token = output[:_MAX_TOKEN].decode("latin-1").strip()
    if not TOKEN.match(token) or " " in token:
        raise rejected(instance, f"the output of {name} is not a token", _COMMAND)
    fault = claims(token).fault()
    if fault is not None:
        raise rejected(instance, f"the token of {name} {fault}", _COMMAND)
    return token


def output_of(
    instance: Instance,
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    at_terminal: bool = False,
    given: str = "",
) -> bytes:
    """Run a program without a shell and return what it prints on stdout; see `token_of_command`.

    Args:
        given: what it reads on stdin; at a terminal it reads that.

    Raises:
        CredentialsRejected: it failed.
    """
    import subprocess  # most syncs run no command

    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603 - the user's or the operator's configuration names it
            list(command),
            env=dict(environ),
            input=None if at_terminal else given.encode(),
            stdout=subprocess.PIPE,
            stderr=None if at_terminal else subprocess.PIPE,
            timeout=None if at_terminal else COMMAND_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise rejected(instance, f"{name} gave no token within {COMMAND_S:.0f} s", _COMMAND) from error
    except OSError as error:
        raise rejected(instance, f"{name} cannot be run: {error.strerror}", _COMMAND) from error
    if done.returncode:
        last = tidy((done.stderr or b"").decode("utf-8", "replace").strip().rpartition("\n")[2])
        raise rejected(instance, f"{name} ended with exit code {done.returncode}{last and f': {last}'}", _COMMAND)
    return done.stdout


_COMMAND = "Run the command by hand to see why, and correct token_command if it is in your configuration."
