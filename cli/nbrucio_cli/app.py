"""The root command and the table of its verbs.

A verb's module is imported only when it is called, and the root's help is made from the table below: the modules of all
verbs take 30 ms of CPU, and `nbrucio status` 70.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from nbrucio_cli.error_text import error_json, wants_json

#: Verbs by section: name, module and the line in the root's help.
VERBS = {
    "Declare data": {
        "init": ("init", "Create a notebook, or prepare one to declare data."),
        "add": ("add", "Declare DIDs in a notebook and lock them."),
        "remove": ("remove", "Remove requirements from a notebook."),
        "lock": ("lock", "Freeze the file list of data that is not locked yet."),
    },
    "Get data": {
        "plan": ("plan", "Show what a sync would do, without doing it."),
        "sync": ("sync", "Download the data that notebooks declare."),
        "stage": ("stage", "Ask Rucio for a replica on a mounted RSE."),
        "status": ("status", "Show which data is ready and which is missing, offline."),
        "verify": ("verify", "Read cached and mounted files again and compare checksums."),
        "store": ("store", "Show and clean the cache."),
        "paths": ("paths", "Print the paths of a notebook's files."),
        "run": ("run", "Sync a notebook, then execute it."),
    },
    "Check and compare": {
        "check": ("check", "Check declaration, lock, code and data, for CI and pre-commit."),
        "diff": ("diff", "Compare the data of two notebooks."),
        "export": ("export", "Write citations, a metalink or an RO-Crate."),
    },
    "Search Rucio": {
        "search": ("search", "Search for DIDs."),
        "show": ("show", "Show the contents, size and replicas of a DID."),
    },
    "Upload": {
        "upload": ("upload", "Upload files to an RSE and register them."),
    },
    "Try it out": {
        "demo": ("demo", "Run an example notebook with a sandbox."),
        "sandbox": ("sandbox", "Run a real Rucio server with data on this machine."),
    },
    "Set up": {
        "login": ("login", "Log in at a Rucio server."),
        "logout": ("logout", "Remove the saved token of a login."),
        "whoami": ("whoami", "Show who you are at each Rucio server, and until when."),
        "config": ("config", "Set up a Rucio server, and show or check the configuration."),
        "doctor": ("doctor", "Check everything that a sync needs, and say what mends it."),
        "completion": ("completion", "Print the shell completion script."),
    },
}
_MODULES = {name: module for section in VERBS.values() for name, (module, _) in section.items()}
_WANTS_JSON = "nbrucio.json"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's signature
    ) -> click.Context:
        """Parse the root's own options."""
        as_json = wants_json(args)
        with _usage_errors(as_json=as_json):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[_WANTS_JSON] = as_json
        return context

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Parse the arguments of a verb and call it."""
        with _usage_errors(as_json=ctx.meta[_WANTS_JSON]):
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the order of the help."""
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the verb with this name; None without one."""
        if cmd_name not in _MODULES:
            return None
        command = importlib.import_module(f"nbrucio_cli.{_MODULES[cmd_name]}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Add the closest verbs to click's error for an unknown one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], list(_MODULES), 2)
            if not close:
                raise
            raise click.UsageError(f"{error.message} Did you mean {' or '.join(close)}?", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the verbs by section, from the table."""
        for section, verbs in VERBS.items():
            with formatter.section(section):
                formatter.write_dl([(name, line) for name, (_, line) in verbs.items()], col_max=12)


@contextmanager
def _usage_errors(*, as_json: bool) -> Iterator[None]:
    """Print click's usage errors as JSON on stdout if ``as_json``; click prints them on stderr and exits."""
    try:
        yield
    except click.UsageError as error:
        if as_json:
            from nbrucio.errors import UsageError
            from nbrucio_cli.common import print_json

            command = error.ctx.command_path if error.ctx else "nbrucio"
            print_json(error_json(UsageError(error.format_message(), next_command=f"{command} --help")))
        raise


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from nbrucio.version import __version__

        click.echo(f"nbrucio {__version__}")
        ctx.exit()


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every verb has --help and --json. Exit codes: 0 all ready, 1 a cell failed, 2 wrong input, 3 data "
    "changed, 4 data unavailable, 5 consent needed, "
    "6 no space, 7 login failed, 8 offline, 9 wrong bytes, "
    "10 lock stale.",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version."
)
def root() -> None:
    """A notebook declares the Rucio data it needs; nbrucio downloads it.

    \b
    nbrucio add analysis.ipynb user.jdoe:dimuon.2012
    nbrucio sync analysis.ipynb
    """


def help_text() -> str:
    """Return the text of ``nbrucio --help``, 80 columns wide."""
    context = click.Context(root, info_name="nbrucio", terminal_width=80, **root.context_settings)
    return root.get_help(context) + "\n"
