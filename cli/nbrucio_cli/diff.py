"""``nbrucio diff``: compare the data of two notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json
from nbrucio_cli.missing_notebook import GivenPath

if TYPE_CHECKING:
    from nbrucio.core.files import FileEntry
    from nbrucio.operations.diff import Change, Held, Lists

#: Files listed for one handle at most; ``--json`` lists all.
_SHOWN_FILES = 20
#: What git calls a diff command with: path old-file old-hex old-mode new-file new-hex new-mode, then for a rename the
#: new path and a header.
_GIT_ARGUMENTS = (7, 9)


@click.command("diff")
@click.argument("notebooks", nargs=-1, required=True, metavar="OLD NEW", type=GivenPath("notebook"))
@click.option(
    "--git", "from_git", is_flag=True, help="For git's diff.<driver>.command: take its arguments, exit with 0."
)
@click.option("--textconv", is_flag=True, help="For git's diff.<driver>.textconv: print the data of one notebook.")
@json_option
@cli_command
def command(notebooks: tuple[Path, ...], from_git: bool, textconv: bool, as_json: bool) -> int:
    """Compare the data of two notebooks, or of two executed ones.

    Compares the data that they read when they were executed, else their locks. Exit code 0: same data; 3: different.

    \b
    git config diff.nbrucio.textconv "nbrucio diff --textconv"
    echo "*.ipynb diff=nbrucio" >> .gitattributes
    """
    if textconv:
        return _textconv(notebooks[0])
    if from_git:
        return _for_git(notebooks)
    if len(notebooks) != 2:
        raise click.UsageError("Give two notebooks: nbrucio diff OLD NEW.")
    from nbrucio.operations.diff import diff

    report = diff(notebooks[0], notebooks[1], _lists())
    if as_json:
        print_json(report.as_json())
        return report.exit_code
    for line in _lines(report.differences):
        click.echo(line)
    if not report.differences:
        click.echo("The data is the same.")
    return report.exit_code


def _textconv(path: Path) -> int:
    """Print the error of an unreadable notebook as its text: git would otherwise show no difference."""
    from nbrucio.errors import NbrucioError
    from nbrucio.operations.diff import holds, stable_lines

    try:
        for line in stable_lines(holds(path)):
            click.echo(line)
    except NbrucioError as error:
        click.echo(error.message.replace(str(path), path.name))
    return 0


def _for_git(arguments: tuple[Path, ...]) -> int:
    from nbrucio.errors import NbrucioError
    from nbrucio.operations.diff import diff

    if len(arguments) == 1:
        click.echo(f"{arguments[0]} is not merged.")
        return 0
    if len(arguments) not in _GIT_ARGUMENTS:
        raise click.UsageError("--git needs the 7 or 9 arguments that git passes to a diff command.")
    try:
        differs = diff(arguments[1], arguments[4], _lists()).differences
    except NbrucioError as error:
        click.echo(f"{arguments[0]}: {error.message}")
        return 0
    if differs:
        click.echo(f"Data of {arguments[0]}:")
    for line in _lines(differs):
        click.echo(f"  {line}")
    return 0


def _lists() -> Lists:
    from nbrucio.operations.diff import remembered_lists

    return remembered_lists(load_config())


def _lines(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        sides = " -> ".join(_words(held) for held in (change.old, change.new) if held is not None)
        yield f"{change.kind:8} {change.handle}  {sides}"
        if change.files:
            yield from _file_lines("added", change.files.added)
            yield from _file_lines("removed", change.files.removed)
            yield from _file_lines("changed", change.files.changed)


def _words(held: Held) -> str:
    from nbrucio.core.text import human_bytes, plural

    if held.files is None:
        return f"{held.did} (not read, not locked)"
    select = f", {held.select}" if held.select else ""
    digest = f", {(held.digest or '').removeprefix('sha256:')[:12]}" if held.digest else ""
    return f"{held.did} ({plural(held.files, 'file')}, {human_bytes(held.size_bytes)}{select}{digest})"


def _file_lines(word: str, entries: tuple[FileEntry, ...]) -> Iterator[str]:
    from nbrucio.core.text import human_bytes

    for entry in entries[:_SHOWN_FILES]:
        size = "size unknown" if entry.size_bytes is None else human_bytes(entry.size_bytes)
        yield f"           {word} {entry.did}, {size}"
    if len(entries) > _SHOWN_FILES:
        yield f"           {word} {len(entries) - _SHOWN_FILES:,} more; --json lists all"
