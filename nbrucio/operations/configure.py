"""Set up a Rucio instance: test the connection to it, and add it to the user's configuration file.

`nbrucio config init` and the Jupyter extension use it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nbrucio.config import Instance, load
from nbrucio.config.load import read_layers
from nbrucio.config.write import add_instances, new_instance, require_open
from nbrucio.core.text import human_seconds
from nbrucio.errors import CredentialsRejected, NbrucioError, UsageError

#: The settings of each kind of login: those that it needs, and those that it can do without.
LOGIN_FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "x509_proxy": ((), ("client_proxy",)),
    "x509": (("client_cert", "client_key"), ()),
    "userpass": (("username",), ("password",)),
    "oidc": ((), ("token_file", "oidc_audience", "oidc_issuer")),
    "ssh": (("ssh_private_key",), ()),
    "gss": ((), ()),
}
#: A clock that differs by more makes tokens and certificates seem expired or not yet valid.
CLOCK_TOLERANCE_S = 60.0


class Step(NamedTuple):
    """One part of a test.

    Attributes:
        name: ``server``, ``clock`` or ``login``.
        text: the result, one sentence.
        error: what failed; None for a success.
    """

    name: str
    text: str
    error: NbrucioError | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {"name": self.name, "text": self.text, "error": self.error.as_json() if self.error else None}


class Tested(NamedTuple):
    """The result of a connection test.

    Attributes:
        steps: the parts in order; after a failure there are no more.
        account: the Rucio account of the login; None without one.
    """

    steps: tuple[Step, ...]
    account: str | None = None

    @property
    def error(self) -> NbrucioError | None:
        """The error of the test; None when all of it succeeded."""
        return next((step.error for step in self.steps if step.error is not None), None)

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {"ok": self.error is None, "account": self.account, "steps": [step.as_json() for step in self.steps]}


def draft(body: Mapping[str, Any]) -> tuple[str, dict[str, object]]:
    """Return the name and the settings of a new instance, with the scheme of the host where it was left out.

    Args:
        body: ``settings``, a table as in the configuration file, and ``name``; without it the host gives one.

    Raises:
        UsageError: a setting can only be written in the file.
    """
    settings, name = body["settings"], body.get("name")
    # A page in the browser must not choose a program to run, nor the server that gets the hub's token.
    for key in ("token_command", "hub_token"):
        if key in settings:
            raise UsageError(f"{key} can only be written in config.toml, with an editor.", subject=key)
    completed = {str(key): value for key, value in settings.items() if value not in (None, "")}
    for key in ("host", "auth_host"):
        text = completed.get(key)
        if isinstance(text, str) and "://" not in text:
            completed[key] = f"https://{text.strip()}"
    return name or usual_name(completed.get("host")), completed


def usual_name(host: object) -> str:
    """Return a short name for the server at a URL: ``https://cms-rucio.cern.ch`` is cms."""
    try:
        first = (urlsplit(str(host)).hostname or "").partition(".")[0]
    except ValueError:
        first = ""
    short = re.sub(r"(^|-)(rucio|auth|server|prod|lb)(?=-|$)", "", first).strip("-")
    return short if re.match(r"[a-z]", short) else "rucio"


def try_connection(name: str, settings: Mapping[str, object]) -> Tested:
    """Ask the server for its version and log in, with the settings of an instance that need not be configured yet.

    Raises:
        ConsentNeeded: the administrator does not allow further instances.
        UsageError, BadConfig: the settings are wrong.
    """
    require_open(read_layers(os.environ))
    return examine(new_instance(name, settings))


def examine(instance: Instance) -> Tested:
    """Ask the server of ``instance`` for its version and log in."""
    from nbrucio.catalogue.ping import ping
    from nbrucio.catalogue.rucio import Catalogues

    config = load()
    steps: list[Step] = []
    try:
        answer = ping(instance, config.policy)
    except NbrucioError as error:
        return Tested((Step("server", error.message, error),))
    steps.append(Step("server", f"{instance.host} answers: Rucio {answer.version}."))
    steps += [] if answer.clock_s is None else [Step("clock", clock_words(answer.clock_s))]
    others = tuple(one for one in config.instances if one.name != instance.name)
    catalogues = Catalogues(config._replace(instances=(instance, *others), default=instance))
    try:
        account = catalogues.open(instance.name).browser().account()
    except CredentialsRejected as error:
        if not _logs_in_later(instance):
            return Tested((*steps, Step("login", error.message, error)))
        return Tested((*steps, Step("login", f"There is no login yet. Run `nbrucio login {instance.name}`.")))
    except NbrucioError as error:
        return Tested((*steps, Step("login", error.message, error)))
    finally:
        catalogues.close()
    return Tested((*steps, Step("login", f"Logged in as {account} ({instance.auth_type}).")), account)


def _logs_in_later(instance: Instance) -> bool:
    """Whether `nbrucio login` gets what the configuration lacks: a password, or a token."""
    login = instance.credentials
    if instance.auth_type == "userpass":
        return login.password is None
    return instance.auth_type == "oidc" and login.token_file is None and login.token_env is None


def clock_words(ahead_s: float) -> str:
    """Return a sentence about this machine's clock, which is ahead of a server's by so many seconds."""
    if abs(ahead_s) <= CLOCK_TOLERANCE_S:
        return "The clocks of the server and of this machine agree."
    side = "ahead of" if ahead_s > 0 else "behind"
    return f"The clock of this machine is {human_seconds(abs(ahead_s))} {side} the server's: logins can fail."


def create(name: str, settings: Mapping[str, object], *, default: bool = False) -> Path:
    """Add an instance to the user's configuration file and return the file.

    Raises:
        ConsentNeeded: the administrator does not allow further instances.
        UsageError: the name is taken or invalid, or another default instance is set.
        BadConfig: a setting is wrong, or the file cannot be read or written.
    """
    return add_instances({name: settings}, default=name if default else None)
