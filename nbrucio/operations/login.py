"""Log in at an instance, and log out. The command line and the panel's requests use it alike.

A `Dialogue` asks the user for a password or a code, and shows the page of an identity provider.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from nbrucio.catalogue.auth import login_of
from nbrucio.catalogue.browser_login import BrowserLogin
from nbrucio.catalogue.errors import rejected
from nbrucio.catalogue.hub_token import token_of_hub
from nbrucio.catalogue.login_facts import login_facts
from nbrucio.catalogue.login_tokens import LoginTokens
from nbrucio.catalogue.renewal import token_of_command
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.catalogue.token_cache import forget_token, save_token, saved_facts
from nbrucio.config import Config, Instance
from nbrucio.config.private import private_proxy
from nbrucio.errors import CredentialsRejected, Offline, UsageError
from nbrucio.http import Timeouts
from nbrucio.operations import login_programs
from nbrucio.operations.whoami import LoginRow, who_am_i

#: Ways to log in that the user can choose for an OIDC login.
WAYS = ("browser", "htgettoken", "oidc-token")
_CODE_ATTEMPTS = 3


class LoginPage(NamedTuple):
    """The page on which the user logs in.

    Attributes:
        url: its address.
        expires_at: end of the time for it, in seconds since the epoch.
        paste_code: whether it shows a code, for which the user is asked next.
    """

    url: str
    expires_at: float
    paste_code: bool


class Dialogue(Protocol):
    """Asks the user during a login. Every method may raise `NbrucioError`, which ends the login."""

    @property
    def at_terminal(self) -> bool:
        """Whether programs such as voms-proxy-init can ask the user for a passphrase."""

    def password(self, instance: Instance) -> tuple[str, str] | None:
        """Return username and password; None to use those of the configuration, which must be complete."""

    def passphrase(self) -> str | None:
        """Return the passphrase for a program where there is no terminal; None without one."""

    def page(self, login: LoginPage) -> None:
        """Show the page on which the user logs in."""

    def code(self, attempt: int) -> str:
        """Return the code that the page shows; ``attempt`` counts from 1."""


class Wishes(NamedTuple):
    """The options of a login.

    Attributes:
        renew: renew the credential although it is still valid.
        way: one of `WAYS`; None takes the first that is possible.
        paste_code: whether the page of a login in the browser shows a code; None for what the configuration says.
        words: arguments for the program that gets the credential.
    """

    renew: bool = False
    way: str | None = None
    paste_code: bool | None = None
    words: tuple[str, ...] = ()


NO_WISHES = Wishes()


def log_in(
    instance: Instance,
    config: Config,
    dialogue: Dialogue,
    wishes: Wishes = NO_WISHES,
    environ: Mapping[str, str] | None = None,
) -> LoginRow:
    """Log in at ``instance``, and return who the server says that the user is.

    Raises:
        CredentialsRejected: the login failed.
        NbrucioError: the server does not answer, or the request is wrong.
    """
    login = _LoginRun(instance, config, dialogue, wishes, os.environ if environ is None else environ)
    if config.policy.offline:
        raise Offline(
            f"A login at {instance.name} needs the network, and nbrucio works offline.",
            subject=instance.name,
            hint="Unset NBRUCIO_SAFE, or offline in the settings.",
        )
    if wishes.way is not None and instance.auth_type != "oidc":
        raise UsageError(f"{instance.name} has auth_type {instance.auth_type}; --with is for oidc.")
    if wishes.words and instance.auth_type in ("userpass", "x509", "ssh"):
        raise _nothing_to_run(instance)
    _STEPS[instance.auth_type](login)
    row = who_am_i(instance, config, login.environ)
    if row.error is not None:
        raise row.error
    return row


def _nothing_to_run(instance: Instance) -> UsageError:
    return UsageError(
        f"The login to {instance.name} runs no program, so no words may follow its name.", subject=instance.name
    )


@dataclass(frozen=True)
class _LoginRun:
    """One login: the arguments of `log_in`."""

    instance: Instance
    config: Config
    dialogue: Dialogue
    wishes: Wishes
    environ: Mapping[str, str] = field(repr=False)

    def fault(self) -> CredentialsRejected | None:
        """Return what is wrong with the credential on this machine; None when nothing is found."""
        try:
            login_of(self.instance, self.environ)
        except CredentialsRejected as error:
            return error
        return None

    def run(self, *command: str, given: str | None = None) -> None:
        """Run a program that asks the user at the terminal, or reads the passphrase ``given``.

        Raises:
            CredentialsRejected: it failed.
        """
        command = (*command, *self.wishes.words)
        asks = given is None
        login_programs.run(self.instance, command, self.environ, at_terminal=asks, given=given or "")

    def passphrase(self) -> str | None:
        """Return the passphrase for a program that cannot ask, because there is no terminal."""
        return None if self.dialogue.at_terminal else self.dialogue.passphrase()


def _by_password(login: _LoginRun) -> None:
    """Log in with a typed password and save the token as that of the instance; the password is saved nowhere."""
    typed = login.dialogue.password(login.instance)
    if typed is None:
        return
    instance = login.instance
    credentials = instance.credentials._replace(username=typed[0], password=typed[1])
    tried = instance._replace(credentials=credentials)
    with closing(RucioCatalogue(tried, login.config.policy, environ=login.environ)) as catalogue:
        catalogue.whoami()
    saved = saved_facts(tried, login.environ)
    if saved is None:
        raise rejected(instance, "the server's token cannot be saved")
    forget_token(tried, login.environ, saved.token)
    save_token(instance, login.environ, saved.token, saved.expires_at)


def _by_proxy(login: _LoginRun) -> None:
    fault = login.fault()
    if fault is None and not login.wishes.renew and not login.wishes.words:
        return
    program, given = login_programs.find("voms-proxy-init", login.environ), login.passphrase()
    if program is None or (given is None and not login.dialogue.at_terminal):
        if fault is not None:
            raise _without(fault, "voms-proxy-init", installed=program is not None)
        return
    file = login.instance.credentials.client_proxy
    if file is None and not login.environ.get("X509_USER_PROXY"):
        file = private_proxy(login.environ)
    options = () if file is None else ("-out", str(file))
    login.run(program, *(() if given is None else ("-pwstdin",)), *options, given=given)


def _by_tickets(login: _LoginRun) -> None:
    has_ticket = login_programs.has_ticket(login.environ)
    if has_ticket and not login.wishes.renew and not login.wishes.words:
        return
    program, given = login_programs.find("kinit", login.environ), login.passphrase()
    if program is not None and (login.dialogue.at_terminal or given is not None):
        login.run(program, given=given)
    elif has_ticket is False:
        raise _without(rejected(login.instance, "there is no valid Kerberos ticket"), "kinit", installed=bool(program))


def _without(error: CredentialsRejected, program: str, *, installed: bool) -> CredentialsRejected:
    """``error`` with what to do where ``program`` cannot be run for the user."""
    if installed:
        return CredentialsRejected(
            error.message, subject=error.subject, hint="Run it in a terminal.", next_command=program
        )
    hint = f"{program} is not installed here: install it, or run it on another machine and copy what it writes."
    return CredentialsRejected(error.message, subject=error.subject, hint=hint)


def _by_token(login: _LoginRun) -> None:
    """Get a token: a configured command, one that is there already, a program, or the browser."""
    way = login.wishes.way
    instance, environ = login.instance, login.environ
    if way is None and instance.credentials.token_command:
        token = token_of_command(instance, environ, at_terminal=login.dialogue.at_terminal)
        save_token(instance, environ, token)
        return
    if way is None and instance.credentials.hub_token:
        timeouts = Timeouts(login.config.policy.connect_timeout_s, login.config.policy.read_timeout_s)
        save_token(instance, environ, token_of_hub(instance, environ, timeouts))
        return
    if way is None and not login.wishes.renew and _has_good_token(login):
        return
    way = way or login_programs.token_program(instance, environ, login.wishes.words) or "browser"
    if way == "browser":
        if login.wishes.words:
            raise _nothing_to_run(instance)
        _in_browser(login)
    else:
        token = login_programs.token_by(way, instance, environ, login.wishes.words, login.dialogue.at_terminal)
        save_token(instance, environ, token)


def _has_good_token(login: _LoginRun) -> bool:
    tokens = LoginTokens(login.instance, login.environ, login.config)
    if tokens.current() is None:
        return False
    error = who_am_i(login.instance, login.config, login.environ).error
    if error is not None and not isinstance(error, CredentialsRejected):
        raise error
    return error is None


def _in_browser(login: _LoginRun) -> None:
    configured = login.instance.credentials.oidc.get("polling")
    paste_code = login.wishes.paste_code
    if paste_code is None:
        paste_code = configured is not None and configured.strip().lower() not in ("true", "yes", "on", "1")
    browser = BrowserLogin(login.instance, login.config.policy, paste_code=paste_code)
    login.dialogue.page(LoginPage(browser.url, browser.expires_at, paste_code))
    token = _pasted(browser, login) if paste_code else browser.wait()
    save_token(login.instance, login.environ, token)


def _pasted(browser: BrowserLogin, login: _LoginRun) -> str:
    for attempt in range(1, _CODE_ATTEMPTS + 1):
        token = browser.redeem(login.dialogue.code(attempt).strip())
        if token is not None:
            return token
    raise rejected(login.instance, "the server does not know the code", "Copy the whole code from the page.")


_STEPS = {
    "userpass": _by_password,
    "x509": lambda _: None,
    "x509_proxy": _by_proxy,
    "ssh": lambda _: None,
    "gss": _by_tickets,
    "oidc": _by_token,
}


class LoggedOut(NamedTuple):
    """The result of a logout.

    Attributes:
        instance: its short name.
        removed: whether there was a saved token, which was removed.
        remains: what still logs in, as a sentence; None when nothing does.
    """

    instance: str
    removed: bool
    remains: str | None

    def as_json(self) -> dict[str, object]:
        """The result as a JSON object."""
        return dict(self._asdict())


def log_out(instance: Instance, config: Config, environ: Mapping[str, str] | None = None) -> LoggedOut:
    """Remove the token that nbrucio saved for ``instance``, and nothing else.

    Raises:
        BadConfig: the folder of tokens cannot be used.
    """
    environ = os.environ if environ is None else environ
    saved = saved_facts(instance, environ)
    if saved is not None:
        forget_token(instance, environ, saved.token)
    supplied = LoginTokens(instance, environ, config).supplied()
    return LoggedOut(instance.name, saved is not None, login_facts(instance, environ, supplied).remains)
