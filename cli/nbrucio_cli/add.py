"""``nbrucio add``: declare DIDs in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio.core.units import parse_size
from nbrucio_cli.common import (
    cli_command,
    json_option,
    keep_consent,
    load_config,
    print_json,
    tell_warnings,
)
from nbrucio_cli.completing import instances
from nbrucio_cli.error_text import next_step
from nbrucio_cli.missing_notebook import notebook_argument

if TYPE_CHECKING:
    from nbrucio.config import Config
    from nbrucio.core.did import Did
    from nbrucio.core.files import DidFacts
    from nbrucio.core.selection import Selection
    from nbrucio.operations.adding import Wish
    from nbrucio.operations.edit import Edit


def _size(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    try:
        return None if text is None else parse_size(text)
    except ValueError as error:
        raise click.BadParameter(f"it {error}") from error


@click.command("add")
@notebook_argument
@click.argument("dids", nargs=-1, required=True, metavar="DID…")
@click.option("--as", "handle", metavar="HANDLE", help="The name that code uses for it; by default made from the DID.")
@click.option("--match", metavar="GLOB", help="Only files whose names match, such as '*.root'.")
@click.option("--first", type=click.IntRange(1), help="Only so many files, in the order of their DIDs.")
@click.option("--max-bytes", callback=_size, metavar="SIZE", help="Only files that are together no larger, as '2 GB'.")
@click.option(
    "--access",
    type=click.Choice(["store", "mount", "download", "stream", "rule", "any"]),
    help="How its files may be obtained, if not in the usual ways.",
)
@click.option("--variant", metavar="NAME", help="Write the selection into this variant of the notebook.")
@click.option("--all", "every", is_flag=True, help="Add everything that a pattern matches, without asking.")
@click.option(
    "--instance",
    metavar="NAME",
    shell_complete=instances,
    help="The Rucio instance of the DIDs, if not the default one.",
)
@click.option("--offline", is_flag=True, help="Add without asking Rucio: the DIDs are neither checked nor locked.")
@json_option
@cli_command
def command(
    notebook: Path,
    dids: tuple[str, ...],
    handle: str | None,
    match: str | None,
    first: int | None,
    max_bytes: int | None,
    access: str | None,
    variant: str | None,
    every: bool,
    instance: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Declare DIDs (SCOPE:NAME) in NOTEBOOK and lock their present files.

    A name with * is a pattern: nbrucio shows what Rucio has, and asks. A name without scope gets one as in rucio.
    Downloads nothing: run `nbrucio sync` for that. Opening NOTEBOOK in Jupyter also downloads, up to the locked size.
    """
    from nbrucio.core.planner import Wanted
    from nbrucio.operations.adding import Wish, add
    from nbrucio_cli.progress import reporting

    config = load_config()
    wish = Wish(handle, instance, _selection(match, first, max_bytes), access, variant, offline)
    chosen = _chosen(notebook, dids, config, wish, every=every, as_json=as_json)
    with reporting(quiet=as_json, events=False) as reporter:
        edit = add(notebook, chosen, config, wish=wish, reporter=reporter)
    sizes = [(target, target.lock.size_bytes or 0) for target in edit.requirements if target.lock is not None]
    keep_consent(Wanted(target.instance, target.requirement.did, size, size) for target, size in sizes)
    if as_json:
        print_json(edit.as_json())
    else:
        _print(notebook, edit, variant)
        tell_warnings(edit.warnings)


def _selection(match: str | None, first: int | None, max_bytes: int | None) -> Selection | None:
    from nbrucio.core.selection import Selection

    return Selection(match, first, max_bytes) if match or first or max_bytes else None


def _chosen(
    notebook: Path, texts: Sequence[str], config: Config, wish: Wish, *, every: bool, as_json: bool
) -> list[Did]:
    """Return the DIDs that ``texts`` mean; those that a pattern matches after the user agreed."""
    from nbrucio.operations.adding import matches, rule_of, undeclared

    rule = rule_of(config, wish.instance)
    chosen: list[Did] = []
    for text in texts:
        if "*" not in text:
            chosen.append(rule.did(text))
            continue
        found = matches(config, *rule.split(text), wish.instance)
        fresh, present = undeclared(notebook, [facts.did for facts in found], config, wish)
        if not as_json:
            _show(found, present)
        if fresh and not every:
            _ask(text, len(fresh))
        chosen += fresh
    return list(dict.fromkeys(chosen))


def _show(found: Sequence[DidFacts], present: dict[Did, str]) -> None:
    from nbrucio.core.text import human_bytes
    from nbrucio_cli.tables import print_table

    print_table(
        (
            facts.type.value,
            str(facts.did),
            "" if facts.size_bytes is None else human_bytes(facts.size_bytes),
            f"declared already, as '{present[facts.did]}'" if facts.did in present else "",
        )
        for facts in found
    )


def _ask(text: str, count: int) -> None:
    """Ask whether to add what a pattern matches.

    Raises:
        UsageError: there is nobody to ask, or the answer is no.
    """
    from nbrucio.core.text import plural, printable
    from nbrucio.errors import UsageError

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{printable(text)} matches {plural(count, 'DID')}; nothing was added.",
            subject=text,
            hint="Repeat the command with --all to add them.",
        )
    if not click.confirm(f"Add {plural(count, 'DID')}?", err=True):
        raise UsageError("Nothing was added.", subject=text)


def _print(notebook: Path, edit: Edit, variant: str | None) -> None:
    from nbrucio_cli.rows import quoted
    from nbrucio_cli.tables import lock_words

    for target in edit.requirements:
        click.echo(f"Added {target.requirement.did} as '{target.requirement.handle}'{lock_words(target.lock)}")
    if variant is not None:
        click.echo(f"Wrote the variant '{variant}' into {notebook}.")
        click.echo(next_step(f"nbrucio sync {quoted(notebook)} --variant {quoted(variant)}"))
    elif edit.requirements:
        click.echo(next_step(f"nbrucio sync {quoted(notebook)}"))
        click.echo(f'Then, in the notebook: nbrucio.data["{edit.requirements[0].requirement.handle}"]')
    else:
        click.echo(f"{notebook} declares all of it already.")
