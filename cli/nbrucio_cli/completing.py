"""Completions for the shell: handles of the notebook on the command line, and configured instances.

A completion never prints an error: what cannot be read has no completions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.errors import NbrucioError

if TYPE_CHECKING:
    import click


def handles(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the handles in the notebook of this command line that begin with ``incomplete``."""
    notebook = ctx.params.get("notebook")
    return [handle for handle in _declared(notebook) if handle.startswith(incomplete)] if notebook else []


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
