"""``nbrucio login``: log in at an instance."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json, tell_errors
from nbrucio_cli.missing_notebook import GivenPath

if TYPE_CHECKING:
    from nbrucio.config import Config, Instance
    from nbrucio.errors import NbrucioError
    from nbrucio.operations.login import LoginPage, Wishes
    from nbrucio.operations.whoami import LoginRow

_MAX_PASSWORD = 4096


@click.command("login")
@click.argument("instance", required=False)
@click.argument("words", nargs=-1, metavar="[-- WORDS…]")
@click.option(
    "--for",
    "notebooks",
    multiple=True,
    metavar="NOTEBOOK",
    type=GivenPath("notebook"),
    help="Log in at each instance that this notebook needs; repeatable.",
)
@click.option("--username", metavar="NAME", help="The username of a login with a password.")
@click.option("--password-file", metavar="FILE", help="A file whose first line is the password; - for stdin.")
@click.option(
    "--with",
    "way",
    type=click.Choice(["browser", "htgettoken", "oidc-token"]),
    help="How to get a token for auth_type oidc.",
)
@click.option("--paste-code", is_flag=True, help="Paste a code of the page instead of waiting for the login there.")
@click.option("--open", "opens", is_flag=True, help="Open the page of the login in a browser on this machine.")
@click.option("--renew", is_flag=True, help="Renew a proxy, ticket or token although it is still valid.")
@json_option
@cli_command
def command(
    instance: str | None,
    words: tuple[str, ...],
    notebooks: tuple[Path, ...],
    username: str | None,
    password_file: str | None,
    way: str | None,
    paste_code: bool,
    opens: bool,
    renew: bool,
    as_json: bool,
) -> int:
    """Log in at INSTANCE, or at the default one, in the way that its auth_type needs.

    A password is asked for and saved nowhere; the token of the login is, for you alone. WORDS go to the program that
    nbrucio runs for you:

    \b
    nbrucio login cms -- --voms cms --valid 96:00
    """
    from nbrucio.errors import UsageError
    from nbrucio.operations.login import Wishes
    from nbrucio.pipeline.login_ends import instances_of
    from nbrucio_cli.rows import quoted

    if notebooks and instance is not None:
        raise click.UsageError("--for and INSTANCE exclude each other.")
    config = load_config()
    if words and any(one.is_called(words[0]) for one in config.instances):
        raise UsageError(
            f"'{words[0]}' is a second instance.",
            subject=words[0],
            hint="Log in at each by itself.",
            next_command=f"nbrucio login {quoted(words[0])}",
        )
    wanted = instances_of(notebooks, config) if notebooks else [config.instance(instance)]
    if not wanted:
        raise UsageError("These notebooks declare no data, so that no login is needed.")
    dialogue = Terminal(username, password_file, opens=opens, as_json=as_json)
    return _at_each(wanted, config, dialogue, Wishes(renew, way, paste_code or None, words), as_json=as_json)


def _at_each(
    instances: Sequence[Instance],
    config: Config,
    dialogue: Terminal,
    wishes: Wishes,
    *,
    as_json: bool,
) -> int:
    from nbrucio.errors import NbrucioError, exit_code_for
    from nbrucio.operations.login import log_in
    from nbrucio_cli.login_rows import login_lines

    rows: list[LoginRow] = []
    errors: list[NbrucioError] = []
    for one in instances:
        try:
            rows.append(log_in(one, config, dialogue, wishes))
        except NbrucioError as error:
            errors.append(_not_again(error))
            continue
        for line in () if as_json else login_lines(rows[-1]):
            click.echo(line)
    if as_json:
        logins = [row.as_json() for row in rows]
        print_json({"instances": logins}, errors)
    tell_errors(errors)
    return exit_code_for(errors)


def _not_again(error: NbrucioError) -> NbrucioError:
    """``error`` without the advice to run this command."""
    if (error.next_command or "").startswith("nbrucio login"):
        error.next_command = None
    return error


@dataclass(frozen=True)
class Terminal:
    """Asks on the terminal; without one, programs read an event and answer on stdin. Nothing secret is shown."""

    username: str | None
    password_file: str | None
    opens: bool
    as_json: bool

    @property
    def at_terminal(self) -> bool:
        """Whether stdin and stderr are a terminal."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    def passphrase(self) -> str | None:
        """See `nbrucio.operations.login.Dialogue`. Programs ask for it themselves, at the terminal only."""
        return None

    def password(self, instance: Instance) -> tuple[str, str] | None:
        """See `nbrucio.operations.login.Dialogue`."""
        from nbrucio.errors import CredentialsRejected

        known = instance.credentials
        if self.password_file is None and self.username is None and known.password is not None:
            return None
        username = self.username or known.username or instance.account
        if self.password_file is None and not self.at_terminal:
            raise CredentialsRejected(
                f"The login to {instance.name} needs a password, and there is no terminal to ask for it.",
                subject=instance.name,
                hint="Give it in a file with --password-file FILE, or on stdin with --password-file -.",
            )
        if username is None:
            username = _asked(f"Username at {instance.name}")
        if self.password_file is not None:
            return username, _first_line(self.password_file)
        return username, _asked(f"Password of {username} at {instance.name}", hidden=True)

    def page(self, login: LoginPage) -> None:
        """See `nbrucio.operations.login.Dialogue`."""
        if self.as_json:
            end = datetime.fromtimestamp(int(login.expires_at), timezone.utc).isoformat()
            event = {"url": login.url, "code": None, "expires_at": end, "paste_code": login.paste_code}
            click.echo(json.dumps({"event": "auth_required", **event}), err=True)
        else:
            then = "then paste its code here" if login.paste_code else "nbrucio waits for you"
            click.echo(f"Log in on this page within 5 minutes, {then}:\n\n    {login.url}\n", err=True)
        if self.opens:
            click.launch(login.url)

    def code(self, attempt: int) -> str:
        """See `nbrucio.operations.login.Dialogue`."""
        from nbrucio.errors import CredentialsRejected

        if self.at_terminal:
            return _asked("Code" if attempt == 1 else "The server does not know this code. Code")
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if not line:
            raise CredentialsRejected("The login was not completed: there is no code on stdin.")
        return line


def _asked(question: str, *, hidden: bool = False) -> str:
    try:
        return str(click.prompt(question, hide_input=hidden, err=True))
    except click.Abort as stopped:
        raise KeyboardInterrupt from stopped


def _first_line(file: str) -> str:
    from nbrucio.disk.read import read_file, reason
    from nbrucio.errors import UsageError

    try:
        content = sys.stdin.buffer.readline(_MAX_PASSWORD) if file == "-" else read_file(Path(file), _MAX_PASSWORD)
    except OSError as error:
        raise UsageError(f"The password cannot be read from {file}: {reason(error)}.", subject=file) from error
    lines = content.decode("utf-8", "replace").splitlines()
    if not lines or not lines[0]:
        where = "stdin" if file == "-" else file
        raise UsageError(f"There is no password in the first line of {where}.", subject=where)
    return lines[0]
