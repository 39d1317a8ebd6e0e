"""``nbrucio config init`` and ``import``: write the configuration."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbrucio_cli.common import cli_command, json_option, print_json, tell_error, tell_errors
from nbrucio_cli.error_text import next_step
from nbrucio_cli.missing_notebook import GivenPath

if TYPE_CHECKING:
    from nbrucio.operations.configure import Tested
    from nbrucio.operations.import_config import Imported

#: Options, the settings that they give, and their help.
_OPTIONS = {
    "--auth-host": ("auth_host", "URL of the authentication server, where it differs."),
    "--account": ("account", "The Rucio account; the login's default account if left out."),
    "--vo": ("vo", "The VO, on a server with several."),
    "--ca-cert": ("ca_cert", "File or folder of the CAs that sign the server's certificate."),
    "--username": ("username", "For userpass."),
    "--client-cert": ("client_cert", "For x509: file of the certificate."),
    "--client-key": ("client_key", "For x509: file of its private key."),
    "--client-proxy": ("client_proxy", "For x509_proxy: file of the proxy."),
    "--ssh-key": ("ssh_private_key", "For ssh: file of the private key."),
    "--token-file": ("token_file", "For oidc: file of a token for Rucio."),
}
_QUESTIONS = {
    "username": "User name",
    "password": "Password (empty: `nbrucio login` asks for it)",
    "client_cert": "File of the certificate",
    "client_key": "File of its private key",
    "ssh_private_key": "File of the private ssh key",
}


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _setting_options(function: Any) -> Any:  # noqa: ANN401 - a decorator of click
    for option, (name, words) in reversed(_OPTIONS.items()):
        function = click.option(option, name, metavar="TEXT", help=words)(function)
    return function


@click.command("init")
@click.argument("name", required=False)
@click.option("--host", metavar="URL", help="URL of the Rucio server.")
@click.option(
    "--auth",
    "auth_type",
    type=click.Choice(["x509_proxy", "x509", "userpass", "oidc", "ssh", "gss"]),
    help="The kind of login.",
)
@_setting_options
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin.")
@click.option("--default", is_flag=True, help="Make it the default instance.")
@click.option("--no-test", is_flag=True, help="Do not test the connection.")
@click.option("--yes", is_flag=True, help="Ask nothing; what is not given is left out.")
@json_option
@cli_command
def init(
    name: str | None, password_stdin: bool, default: bool, no_test: bool, yes: bool, as_json: bool, **given: str | None
) -> int:
    """Set up a Rucio instance: test the connection, and add it to your config.toml as NAME.

    At a terminal it asks for what the options leave out. Other instances and comments in the file stay as they are.
    """
    from nbrucio.operations.configure import create, draft, try_connection

    ask = not yes and not as_json and not password_stdin and _at_terminal()
    settings = {key: _from_here(key, value) for key, value in given.items() if value}
    if password_stdin:
        settings["password"] = sys.stdin.readline().rstrip("\r\n")
    settings = _completed(settings) if ask else settings
    _require(settings)
    name, complete = draft({"name": name, "settings": settings})
    if ask and given["host"] is None:
        name = click.prompt("Short name of the instance", default=name, err=True)
    tested = None if no_test else try_connection(name, complete)
    if tested is not None and not as_json:
        _print_steps(tested)
    if tested is not None and tested.error is not None and not _goes_on(ask=ask, as_json=as_json):
        if as_json:
            print_json({"error": tested.error.as_json(), "test": tested.as_json()}, [tested.error])
        return tested.error.exit_code
    file = create(name, complete, default=default)
    if as_json:
        print_json({"name": name, "file": str(file), "test": tested.as_json() if tested else None})
    else:
        click.echo(f"Added the instance {name} to {file}.")
        click.echo(next_step(f"nbrucio search 'SCOPE:*' --instance {name}"))
    return 0


def _from_here(name: str, value: str) -> str:
    """The value of an option; a relative path made absolute, because in the file it starts at that folder."""
    from nbrucio.config.effective import PATHS

    return str(Path(value).absolute()) if name in PATHS and value[0] not in "~$" else value


def _require(settings: Mapping[str, str]) -> None:
    """Make sure that nothing is missing."""
    from nbrucio.errors import UsageError
    from nbrucio.operations.configure import LOGIN_FIELDS

    options = {name: option for option, (name, _) in _OPTIONS.items()}
    options |= {"host": "--host", "auth_type": "--auth"}
    needed = ("host", "auth_type", *LOGIN_FIELDS.get(settings.get("auth_type", ""), ((), ()))[0])
    missing = [options[name] for name in needed if not settings.get(name)]
    if missing:
        raise UsageError(
            f"Missing: {', '.join(missing)}.",
            subject=missing[0],
            hint="Give these options, or run `nbrucio config init` at a terminal, where it asks.",
        )


def _completed(settings: dict[str, str]) -> dict[str, str]:
    """Ask for what the options leave out."""
    from nbrucio.operations.configure import LOGIN_FIELDS

    asked = dict(settings)
    if "host" not in asked:
        asked["host"] = click.prompt("URL of the Rucio server", err=True)
    if "account" not in asked:
        question = "Rucio account (empty: the login's default)"
        asked["account"] = click.prompt(question, default="", show_default=False, err=True)
    if "auth_type" not in asked:
        kinds = click.Choice(list(LOGIN_FIELDS))
        asked["auth_type"] = click.prompt("Kind of login", type=kinds, default="x509_proxy", err=True)
    needed, further = LOGIN_FIELDS[asked["auth_type"]]
    for name in (*needed, *further):
        if name in _QUESTIONS and name not in asked:
            default = None if name in needed else ""
            hidden = name == "password"
            asked[name] = click.prompt(_QUESTIONS[name], default, hidden, show_default=False, err=True)
    return {name: value for name, value in asked.items() if value}


def _print_steps(tested: Tested) -> None:
    for step in tested.steps:
        if step.error is None:
            click.echo(f"  {step.text}")
        else:
            tell_error(step.error)


def _goes_on(*, ask: bool, as_json: bool) -> bool:
    """Whether an instance is written although its test failed."""
    if ask:
        return click.confirm("Add the instance although the test failed?", default=False, err=True)
    if not as_json:
        click.echo("Nothing was written. `--no-test` adds an instance without a test.", err=True)
    return False


@click.command("import")
@click.argument("file", required=False, type=GivenPath("file"))
@click.option("--dry-run", is_flag=True, help="Write nothing, and print what would be added.")
@json_option
@cli_command
def import_(file: Path | None, dry_run: bool, as_json: bool) -> int:
    """Add the Rucio servers of other programs to your config.toml.

    It reads the RucioConfig of rucio-jupyterlab in Jupyter's configuration folders and in this session, the RUCIO_*
    variables of the VRE's containers, and each rucio.cfg in a usual place. Or it reads FILE alone: a rucio.cfg, or a
    .json or .py file with RucioConfig.

    Exit code 2: there is nothing to import, or nothing was added because of faults.
    """
    from nbrucio.errors import exit_code_for
    from nbrucio.operations.import_config import import_config

    result = import_config(file, write=not dry_run)
    errors = result.errors()
    if as_json:
        print_json(
            {
                "file": str(result.file) if result.file else None,
                "instances": [one.as_json() for one in result.found],
                "toml": result.toml,
                "notices": list(result.notices),
            },
            errors,
        )
    else:
        _print_import(result, dry_run=dry_run)
    tell_errors(errors)
    return exit_code_for(errors)


def _print_import(result: Imported, *, dry_run: bool) -> None:
    for notice in result.notices:
        click.echo(f"warning: {notice}", err=True)
    for one in result.found:
        if one.is_wrong and not result.toml:
            continue  # it is among the errors
        if one.skipped:
            click.echo(f"{one.name}: not added: {one.skipped} ({one.where})")
        else:
            ignored = f"; not used: {', '.join(one.ignored)}" if one.ignored else ""
            click.echo(f"{one.name}: from {one.where}{ignored}")
    if dry_run and result.toml:
        click.echo(f"\n{result.toml}", nl=False)
    elif result.file:
        click.echo(f"Added to {result.file}.\n{next_step('nbrucio config show --origin')}")
