"""The arguments that name notebooks, and what to type where they are missing. No verb chooses a notebook by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nbrucio.kernel.quoting import quoted_path

_SHOWN = 5


class NotebookArgument(click.Argument):
    """An argument whose error, where it is missing, names the notebooks of this folder."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:  # noqa: ANN401 - click's signature
        """Convert the value.

        Raises:
            click.MissingParameter: there is none.
        """
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter as error:
            raise click.MissingParameter(_what_to_type(ctx, self), ctx, self) from error


class GivenPath(click.Path):
    """A path that is not empty. `Path` takes an empty one, such as an unset variable of a script, for the folder.

    Args:
        noun: what it names.
        options: those of `click.Path`.
    """

    def __init__(self, noun: str, **options: Any) -> None:  # noqa: ANN401 - forwards click's options
        super().__init__(path_type=Path, **options)
        self._noun = noun

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's signature
        """Convert the value; an empty one is a usage error."""
        if value == "":
            self.fail(f"The name of the {self._noun} is empty.", param, ctx)
        return super().convert(value, param, ctx)


def _what_to_type(ctx: click.Context, argument: click.Argument) -> str:
    from nbrucio.notebook.folders import notebooks_in

    try:
        names = [path.name for path in notebooks_in(Path())]
    except OSError:  # the folder cannot be listed, or was removed
        return ""
    # As few of the other words as the verb needs.
    others = [one for one in ctx.command.params if isinstance(one, click.Argument) and one.required]
    rest = [(one.metavar or one.name or "").split("|")[0].rstrip("…") for one in others if one is not argument]
    if not names:
        return "There is no notebook in this folder. `nbrucio init analysis.ipynb` creates one."
    quoted = [quoted_path(name) for name in names if name.isprintable()] or ["NOTEBOOK"]
    command = " ".join([ctx.command_path, quoted[0], *rest])
    if len(names) == 1:
        return f"This folder has one notebook: `{command}`."
    shown = ", ".join(quoted[:_SHOWN]) + (f" and {len(quoted) - _SHOWN:,} more" if len(quoted) > _SHOWN else "")
    every = f", or all with those below: `{ctx.command_path} .`" if argument.nargs == -1 else f", as in `{command}`"
    return f"This folder has {len(names):,} notebooks: {shown}. Name one{every}."


notebook_argument = click.argument("notebook", cls=NotebookArgument, type=GivenPath("notebook"))
notebooks_argument = click.argument(
    "notebooks",
    cls=NotebookArgument,
    nargs=-1,
    required=True,
    metavar="NOTEBOOK…",
    type=GivenPath("notebook"),
)
