"""``nbrucio verify``: read what is here again and compare."""

from __future__ import annotations

from pathlib import Path

import click

from nbrucio_cli.common import (
    expand,
    json_option,
    load_config,
    notebooks_argument,
    print_json,
    tell_errors,
    variant_option,
    verb,
)


@click.command("verify")
@notebooks_argument
@variant_option
@json_option
@verb
def command(notebooks: tuple[Path, ...], variant: str | None, as_json: bool) -> int:
    """Read every file of each NOTEBOOK that is in the store or on a mount, and compare checksums.

    Ends with 9 when one is wrong. What is damaged in the store is removed; `nbrucio sync` brings it anew. Asks no
    server; what is not here is no error.
    """
    from nbrucio.errors import exit_code_for
    from nbrucio.verify import verify
    from nbrucio.words import human_bytes, plural

    found = verify(expand(notebooks), load_config(), variant=variant)
    faults = [fault for notebook in found.report.notebooks for fault in notebook.faults]
    code = exit_code_for([*faults, *found.wrong])
    if as_json:
        print_json({**found.as_json(), "exit_code": code})
    else:
        verdict = f"{plural(len(found.wrong), 'file')} wrong" if found.wrong else "all right"
        click.echo(f"{plural(found.files, 'file')}, {human_bytes(found.size_bytes)} read: {verdict}")
    tell_errors([*faults, *found.wrong])
    return code
