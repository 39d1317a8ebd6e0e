"""What every verb shares: its notebooks, its output, and how errors end it."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nbrucio.config import Config
from nbrucio.errors import BadNotebook, Interrupted, NbrucioError, UnreadableFile

if TYPE_CHECKING:
    from nbrucio.core.planner import Wanted

F = TypeVar("F", bound=Callable[..., Any])

#: Folders that hold copies of notebooks, not notebooks.
_SKIPPED_FOLDERS = {".ipynb_checkpoints", ".git", "node_modules", ".venv"}

json_option = click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON on stdout.")
variant_option = click.option("--variant", metavar="NAME", help="Take the selections of this variant.")
notebook_argument = click.argument("notebook", type=click.Path(path_type=Path))
notebooks_argument = click.argument(
    "notebooks", nargs=-1, required=True, metavar="NOTEBOOK…", type=click.Path(path_type=Path)
)


def cli_command(function: F) -> F:
    """Let a command end in the exit codes and the voice of nbrucio, whatever goes wrong.

    An error of ours is told in words with its next step; Ctrl-C is 130; anything else is a fault of nbrucio, told in
    one line (NBRUCIO_DEBUG=1 shows the traceback).
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passes click's values on
        as_json = bool(kwargs.get("as_json"))
        try:
            code = function(*args, **kwargs)
        except NbrucioError as error:
            end_with(error, as_json=as_json)
        except KeyboardInterrupt:
            end_with(Interrupted("Stopped."), as_json=as_json)
        except BrokenPipeError:
            # Whoever read our output has seen enough (``nbrucio paths | head``).
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception as error:
            if os.environ.get("NBRUCIO_DEBUG"):
                raise
            end_with(_internal(error), as_json=as_json)
        else:
            sys.exit(code or 0)

    return wrapped  # type: ignore[return-value]


def _internal(error: Exception) -> NbrucioError:
    return NbrucioError(
        f"This is a fault in nbrucio: {type(error).__name__}: {error}",
        hint="Set NBRUCIO_DEBUG=1 to see where, and report it.",
    )


def end_with(error: NbrucioError, *, as_json: bool) -> None:
    """Tell ``error`` and leave the process with its exit code."""
    if as_json:
        print_json({"version": 1, "exit_code": error.exit_code, "error": error.as_json()})
    tell_error(error)
    sys.exit(error.exit_code)


def tell_error(error: NbrucioError) -> None:
    """Write an error to stderr: what happened, then what to do, then what to type."""
    lines = [f"error: {error.message}"]
    if error.hint:
        lines += ["", f"hint: {error.hint}"]
    if error.next_command:
        lines += ["" if not error.hint else None, f"next: {error.next_command}"]  # type: ignore[list-item]
    click.echo("\n".join(line for line in lines if line is not None), err=True)


def tell_errors(errors: Iterable[NbrucioError], limit: int = 5) -> None:
    """Write several errors to stderr: equal ones once, the first ``limit`` in full, the rest as a number."""
    told = list({error.message: error for error in errors}.values())
    for error in told[:limit]:
        tell_error(error)
    if len(told) > limit:
        click.echo(f"error: {len(told) - limit} more like these; --json lists them all.", err=True)


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def load_config() -> Config:
    """The configuration; its warnings go to stderr."""
    from nbrucio.config import load

    config = load()
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    return config


def keep_consent(wanted: Iterable[Wanted]) -> None:
    """Keep that the user asked for these downloads, so that opening a notebook in Jupyter may download them again."""
    from nbrucio.operations.grants import user_grants

    try:
        user_grants().extend(wanted)
    except (OSError, UnreadableFile) as error:
        click.echo(f"warning: the consent to download could not be kept: {error}", err=True)


def expand(paths: Sequence[Path]) -> list[Path]:
    """Notebooks named by ``paths``: files as they are, folders by the notebooks below them.

    Raises:
        BadNotebook: a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        below = sorted(_notebooks_below(path))
        if not below:
            raise BadNotebook(f"There is no notebook in {path}.", subject=str(path))
        found += below
    return list(dict.fromkeys(found))


def _notebooks_below(folder: Path) -> Iterator[Path]:
    """Notebooks, and texts that declare data unless they are the text of a notebook beside them."""
    from nbrucio.notebook.text import declares_in_text
    from nbrucio.notebook.yaml_header import COMMENTS

    for path in folder.rglob("*"):
        kind = path.suffix.lower()
        if (kind != ".ipynb" and kind not in COMMENTS) or _SKIPPED_FOLDERS & set(path.relative_to(folder).parts):
            continue
        if kind == ".ipynb" or (not path.with_suffix(".ipynb").exists() and declares_in_text(path)):
            yield path
