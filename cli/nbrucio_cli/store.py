"""``nbrucio store``: show and clean the cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import cli_command, expand, json_option, load_config, print_json
from nbrucio_cli.error_text import next_step
from nbrucio_cli.missing_notebook import notebooks_argument

if TYPE_CHECKING:
    from nbrucio.operations.store_care import NotebookHolding, Removed, StoreUsage

#: The longest lists that are printed in full; --json prints everything.
_ROWS = 20

_dry_run_option = click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing.")


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a number of bytes from text such as ``50GB``."""
    from nbrucio.core.units import parse_size

    try:
        return None if value is None else parse_size(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}.", ctx, param) from error


@click.group("store", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Show the cache: its folder, its size, and its data by notebook and by DID.

    The subcommands clean it. Removed files are downloaded again when a notebook needs them.
    """
    if ctx.invoked_subcommand is None:
        _show(as_json=as_json)


@cli_command
def _show(*, as_json: bool) -> int:
    from nbrucio.operations.store_care import usage

    found = usage(load_config())
    if as_json:
        print_json(found.as_json())
    else:
        for line in _lines(found):
            click.echo(line)
    return 0


@command.command("rm")
@click.argument("dids", nargs=-1, required=True, metavar="DID…")
@click.option("--instance", metavar="NAME", help="Only the files of this instance.")
@_dry_run_option
@json_option
@cli_command
def remove(dids: tuple[str, ...], instance: str | None, dry_run: bool, as_json: bool) -> int:
    """Remove the cached files of each DID: a file, or a dataset or container that a notebook declared."""
    from nbrucio.core.did import Did
    from nbrucio.operations import store_care

    found = store_care.remove(load_config(), [Did.parse(did) for did in dids], instance=instance, dry_run=dry_run)
    _print(found, dry_run=dry_run, as_json=as_json)
    return 0


@command.command("gc")
@click.option(
    "--to", "to_bytes", callback=_size, metavar="SIZE", help="Also remove the least recently used, down to SIZE."
)
@click.option(
    "--keep-days", type=click.IntRange(0), default=7, show_default=True, help="Keep the data of notebooks used since."
)
@_dry_run_option
@json_option
@cli_command
def collect(to_bytes: int | None, keep_days: int, dry_run: bool, as_json: bool) -> int:
    """Remove cached files that no existing notebook needs.

    With --to, files that notebooks need are removed, too, the least recently used first, but never those of a pinned or
    recently used notebook.
    """
    from nbrucio.operations import store_care

    found = store_care.collect(load_config(), to_bytes=to_bytes, recent_days=keep_days, dry_run=dry_run)
    _print(found, dry_run=dry_run, as_json=as_json)
    if to_bytes is not None and found.left.size_bytes > to_bytes and not as_json:
        click.echo("All other files belong to pinned or recently used notebooks.")
    return 0


@command.command("pin")
@notebooks_argument
@json_option
@cli_command
def pin(notebooks: tuple[Path, ...], as_json: bool) -> int:
    """Keep the data of each NOTEBOOK whenever the cache is cleaned."""
    _pin(notebooks, pinned=True, as_json=as_json)
    return 0


@command.command("unpin")
@notebooks_argument
@json_option
@cli_command
def unpin(notebooks: tuple[Path, ...], as_json: bool) -> int:
    """Undo `nbrucio store pin`."""
    _pin(notebooks, pinned=False, as_json=as_json)
    return 0


def _pin(notebooks: tuple[Path, ...], *, pinned: bool, as_json: bool) -> None:
    from nbrucio.operations import store_care

    paths = expand(notebooks)
    store_care.pin(load_config(), paths, pinned=pinned)
    if as_json:
        print_json({"pinned": pinned, "notebooks": [str(path) for path in paths]})
        return
    for path in paths:
        click.echo(f"{'Pinned' if pinned else 'Unpinned'} the data of {path}.")


def _print(found: Removed, *, dry_run: bool, as_json: bool) -> None:
    from nbrucio.core.text import plural

    if as_json:
        print_json({**found.as_json(), "dry_run": dry_run})
        return
    verb = "would be removed" if dry_run else "removed"
    click.echo(f"{_amount(*found.amount)} {verb}; {_amount(*found.left)} left.")
    if found.forgotten:
        click.echo(f"{plural(len(found.forgotten), 'notebook')} no longer there:")
        for path in found.forgotten[:_ROWS]:
            click.echo(f"  {path}")


def _lines(found: StoreUsage) -> Iterator[str]:
    from nbrucio.core.text import human_bytes
    from nbrucio_cli.rows import table_lines

    yield str(found.path)
    free = "" if found.free_bytes is None else f"; {human_bytes(found.free_bytes)} free on its disk"
    limit = "" if found.limit_bytes is None else f" of at most {human_bytes(found.limit_bytes)}"
    yield f"{_amount(*found.total)}{limit}{free}"
    if found.notebooks:
        yield ""
        yield from table_lines([_notebook_row(found, one) for one in found.notebooks[:_ROWS]])
        yield from _rest(len(found.notebooks))
    if found.data:
        yield ""
        yield from table_lines([(_amount(*one.amount), str(one.did)) for one in found.data[:_ROWS]])
        yield from _rest(len(found.data))
    if found.unneeded.files:
        yield ""
        yield f"{_amount(*found.unneeded)} needed by no notebook that still exists."
        yield next_step("nbrucio store gc --dry-run")


def _notebook_row(found: StoreUsage, one: NotebookHolding) -> tuple[str, ...]:
    from nbrucio.core.text import human_age
    from nbrucio.kernel.errors import printable

    state = "pinned" if one.pinned else ""
    used = f"used {human_age(max(0.0, found.now_s - one.used_s))} ago"
    return (_amount(*one.amount), "no longer there" if one.gone else used, state, printable(str(one.path)))


def _rest(count: int) -> Iterator[str]:
    if count > _ROWS:
        yield f"… and {count - _ROWS:,} more; --json lists them all."


def _amount(files: int, size_bytes: int) -> str:
    from nbrucio.core.text import human_bytes, plural

    return f"{plural(files, 'file')}, {human_bytes(size_bytes)}"
