"""``nbrucio completion``: print the shell completion script."""

from __future__ import annotations

import click

from nbrucio_cli.common import cli_command, json_option, print_json


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
@cli_command
def command(shell: str, as_json: bool) -> None:
    """Print the completion script of SHELL.

    \b
    bash: eval "$(nbrucio completion bash)"      in ~/.bashrc
    zsh:  eval "$(nbrucio completion zsh)"       in ~/.zshrc
    fish: nbrucio completion fish | source       in config.fish
    """
    from click.shell_completion import get_completion_class

    from nbrucio_cli.app import root

    maker = get_completion_class(shell)
    assert maker is not None
    source = maker(root, {}, "nbrucio", "_NBRUCIO_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "script": source})
    else:
        click.echo(source)
