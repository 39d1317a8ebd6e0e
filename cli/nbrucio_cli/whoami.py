"""``nbrucio whoami``: show the login at each instance."""

from __future__ import annotations

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json, tell_errors


@click.command("whoami")
@click.argument("instance", required=False)
@click.option("--all", "every", is_flag=True, help="Show the login at each configured instance.")
@json_option
@cli_command
def command(instance: str | None, every: bool, as_json: bool) -> int:
    """Ask the server of INSTANCE, or of the default one, who you are: by which credential, and until when.

    Logs in where the credentials suffice. A login that has ended is exit code 7.
    """
    from nbrucio.errors import exit_code_for
    from nbrucio.operations.whoami import errors_in, logins, who_am_i
    from nbrucio_cli.login_rows import login_lines

    if every and instance is not None:
        raise click.UsageError("--all and INSTANCE exclude each other.")
    config = load_config()
    rows = logins(config) if every else []
    if not rows:  # also where --all finds nothing: the error says how to get an instance
        rows = [who_am_i(config.instance(instance), config)]
    errors = errors_in(rows)
    if as_json:
        print_json({"instances": [row.as_json() for row in rows]}, errors)
    else:
        for row in rows:
            for line in login_lines(row):
                click.echo(line)
    tell_errors(errors)
    return exit_code_for(errors)
