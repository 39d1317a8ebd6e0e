"""``nbrucio show``: show one DID, its contents and replicas."""

from __future__ import annotations

from collections import Counter

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json
from nbrucio_cli.completing import instances


@click.command("show")
@click.argument("did", metavar="DID")
@click.option("--files", "list_files", is_flag=True, help="List every file.")
@click.option(
    "--instance", metavar="NAME", shell_complete=instances, help="The instance of the DID, if not the default one."
)
@json_option
@cli_command
def command(did: str, list_files: bool, instance: str | None, as_json: bool) -> None:
    """Show type, files and size of DID, and how many of the files each RSE has."""
    from nbrucio.core.files import total_bytes, unique_files
    from nbrucio.core.text import human_bytes, plural
    from nbrucio.operations.adding import rule_of
    from nbrucio.pipeline.context import RunContext
    from nbrucio_cli.tables import print_table

    config = load_config()
    parsed = rule_of(config, instance).did(did)
    with RunContext(config) as run:
        catalogue = run.catalogue(config.instance(instance).name)
        facts = catalogue.describe(parsed)
        files = unique_files(catalogue.files(parsed))
        held: Counter[str] = Counter()
        for _, replicas in catalogue.replicas([entry.did for entry in files]):
            held.update({replica.rse for replica in replicas})
    total = total_bytes(entry.size_bytes for entry in files)
    if as_json:
        rows = [{"did": str(f.did), "bytes": f.size_bytes, "checksum": f.checksum} for f in files]
        about = {"did": str(parsed), "type": facts.type.value, "open": facts.open, "bytes": total}
        print_json({**about, "files": rows, "replicas": dict(sorted(held.items()))})
        return
    opened = "open " if facts.open else ""
    click.echo(f"{parsed}: {opened}{facts.type.value}, {plural(len(files), 'file')}, {human_bytes(total)}")
    print_table((rse, f"{count:,} of {plural(len(files), 'file')}") for rse, count in sorted(held.items()))
    if list_files:
        print_table((str(f.did), human_bytes(f.size_bytes), f.checksum or "") for f in files)
