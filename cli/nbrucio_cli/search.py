"""``nbrucio search``: search for DIDs."""

from __future__ import annotations

from itertools import islice

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json
from nbrucio_cli.completing import instances


@click.command("search")
@click.argument("pattern", metavar="SCOPE:PATTERN")
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
    help="A condition on metadata: key=value, also with < > != <= >=, combined with and, or; repeatable.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="The maximum number of DIDs to list."
)
@click.option(
    "--instance", metavar="NAME", shell_complete=instances, help="The instance to search, if not the default one."
)
@json_option
@cli_command
def command(pattern: str, kind: str, filters: tuple[str, ...], limit: int, instance: str | None, as_json: bool) -> None:
    """List DIDs whose scope and name match SCOPE:PATTERN; * matches anything.

    \b
    nbrucio search 'sandbox:*'
    nbrucio search 'user.*:dimuon.*' --type dataset --filter 'bytes > 1 GB'
    """
    from nbrucio.core.text import human_bytes, plural
    from nbrucio.errors import BadDid
    from nbrucio.pipeline.context import RunContext
    from nbrucio_cli.rows import quoted
    from nbrucio_cli.tables import print_table

    scope, colon, name = pattern.partition(":")
    if not colon or not scope:
        raise BadDid(
            f"'{pattern}' has no scope.", subject=pattern, next_command=f"nbrucio search {quoted(f'SCOPE:{pattern}')}"
        )
    config = load_config()
    with RunContext(config) as run:
        hits = run.catalogue(config.instance(instance).name).search(scope, name or "*", kind, filters)
        found = list(islice(hits, limit + 1))
    shown = found[:limit]
    if as_json:
        rows = [{"did": str(h.did), "type": h.type.value, "open": h.open, "bytes": h.size_bytes} for h in shown]
        print_json({"version": 1, "cut": len(found) > limit, "dids": rows})
        return
    print_table((h.type.value, str(h.did), "" if h.size_bytes is None else human_bytes(h.size_bytes)) for h in shown)
    click.echo(plural(len(shown), "DID") + (f"; there are more, raise --limit {limit}" if len(found) > limit else ""))
