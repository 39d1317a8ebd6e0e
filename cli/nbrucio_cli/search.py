"""``nbrucio search``: search for DIDs."""

from __future__ import annotations

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json
from nbrucio_cli.completing import instances


@click.command("search")
@click.argument("pattern", required=False, metavar="[SCOPE:PATTERN]")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["all", "collection", "dataset", "container", "file"]),
    default="collection",
    show_default=True,
    help="The type of DID to list.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="CONDITION",
    help="A condition on metadata: key=value, also with < > != <= >=, combined with and, or, ( ); repeatable.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="The maximum number of DIDs to list."
)
@click.option(
    "--instance", metavar="NAME", shell_complete=instances, help="The instance to search, if not the default one."
)
@json_option
@cli_command
def command(
    pattern: str | None, kind: str, filters: tuple[str, ...], limit: int, instance: str | None, as_json: bool
) -> None:
    """List DIDs whose scope and name match SCOPE:PATTERN; * matches anything.

    With --filter, the pattern may be omitted to search in all scopes.

    \b
    nbrucio search 'sandbox:*'
    nbrucio search 'user.*:dimuon.*' --type dataset --filter 'bytes > 1 GB'
    nbrucio search --filter "project = demo and created_at >= 2026-01-31"
    """
    from nbrucio.core.text import human_bytes, plural
    from nbrucio.operations.searching import search
    from nbrucio_cli.tables import print_table

    found = search(pattern, load_config(), kind=kind, filters=filters, limit=limit, instance=instance)
    if as_json:
        print_json(found.as_json())
        return
    shown = found.hits
    print_table((h.type.value, str(h.did), "" if h.size_bytes is None else human_bytes(h.size_bytes)) for h in shown)
    click.echo(plural(len(shown), "DID") + (f"; there are more, raise --limit {limit}" if found.cut else ""))
    if found.unsized:
        names = ", ".join(map(str, found.unsized)) + (", …" if found.unsized_cut else "")
        click.echo(f"Not compared, because Rucio has no size of open datasets and containers: {names}")
