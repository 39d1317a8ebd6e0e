"""Completions for the shell: handles of the notebook on the command line, and configured instances.

A completion never prints an error: what cannot be read has no completions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.errors import NbrucioError

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem


def handles(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the handles in the notebook of this command line that begin with ``incomplete``."""
    notebook = ctx.params.get("notebook")
    return [handle for handle in _declared(notebook) if handle.startswith(incomplete)] if notebook else []


def notebooks_or_handles(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return files, and the handles in the notebooks of this command line that begin with ``incomplete``."""
    from click.shell_completion import CompletionItem

    given = [ctx.params.get("notebook"), *ctx.params.get("words", ())]
    found = dict.fromkeys(handle for path in given if path for handle in _declared(path))
    items = [CompletionItem(handle) for handle in found if handle.startswith(incomplete)]
    return [*items, CompletionItem(incomplete, type="file")]


def declared_handles(notebooks: Iterable[Path]) -> set[str]:
    """Return the handles that the notebooks declare, of those that can be read."""
    return {handle for notebook in notebooks for handle in _declared(notebook)}


def _declared(notebook: object) -> Iterator[str]:
    from nbrucio.notebook.declared import read_declared

    try:
        for requirement in read_declared(Path(str(notebook))).declaration.requirements:
            yield requirement.handle
    except (NbrucioError, OSError):
        return


def instances(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of the configured instances that begin with ``incomplete``."""
    from nbrucio.config import load

    try:
        names = [instance.name for instance in load().instances]
    except (NbrucioError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]
