"""``nbrucio verify``: read cached and mounted files again and compare checksums."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import (
    cli_command,
    expand,
    json_option,
    load_config,
    print_json,
    tell_errors,
    variant_option,
)
from nbrucio_cli.missing_notebook import notebooks_argument

if TYPE_CHECKING:
    from nbrucio.operations.verify import Verified


@click.command("verify")
@notebooks_argument
@variant_option
@json_option
@cli_command
def command(notebooks: tuple[Path, ...], variant: str | None, as_json: bool) -> int:
    """Read every cached or mounted file of each NOTEBOOK and compare checksums.

    Exit code 9: a file is wrong. A wrong cached file is removed, and `nbrucio sync` downloads it again. Correct files
    are used from then on, also in a cache that was restored or copied. Works offline; missing files are not an error.
    """
    from nbrucio.operations.verify import verify

    found = verify(expand(notebooks), load_config(), variant=variant)
    if as_json:
        print_json(found.as_json())
    else:
        click.echo(_words(found))
    tell_errors(found.errors())
    return found.exit_code


def _words(found: Verified) -> str:
    """Return one line with the files read and the result."""
    from nbrucio.core.text import human_bytes, plural, unverified_words

    files = [file for book in found.report.notebooks for one in book.requirements for file in one.files]
    missing = sum(not file.usable for file in files) - len(found.wrong)
    rest = f"; {plural(missing, 'file')} missing" if missing else ""
    if not found.files:
        return f"Nothing to verify: no file is cached or mounted{rest}."
    verdict = f"{plural(len(found.wrong), 'file')} wrong" if found.wrong else "all correct"
    unverified = unverified_words(sum(file.usable and file.unverified for file in files))
    return f"{plural(found.files, 'file')}, {human_bytes(found.size_bytes)} read: {verdict}{unverified}{rest}"
