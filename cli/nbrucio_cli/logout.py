"""``nbrucio logout``: remove the token of a login."""

from __future__ import annotations

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json


@click.command("logout")
@click.argument("instance", required=False)
@click.option("--all", "every", is_flag=True, help="Log out at each configured instance.")
@json_option
@cli_command
def command(instance: str | None, every: bool, as_json: bool) -> None:
    """Remove the token that nbrucio saved for INSTANCE, or for the default one.

    Credentials of other programs remain: a proxy, tickets, your own token, a password in the configuration.
    """
    from nbrucio.operations.login import log_out

    if every and instance is not None:
        raise click.UsageError("--all and INSTANCE exclude each other.")
    config = load_config()
    chosen = config.instances if every and config.instances else [config.instance(instance)]
    done = [log_out(one, config) for one in chosen]
    if as_json:
        print_json({"instances": [one.as_json() for one in done]})
        return
    for one in done:
        removed = "Removed the saved token of" if one.removed else "There is no saved token of"
        click.echo(f"{removed} {one.instance}.{(one.remains and f' {one.remains}') or ''}")
