"""Common parts of all verbs: notebook arguments, output, and exit with an error."""

from __future__ import annotations

import copy
import functools
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nbrucio.config import Config
from nbrucio.core.named import named
from nbrucio.disk.libraries import unexpected
from nbrucio.errors import Interrupted, MissingDependency, NbrucioError, UnreadableFile, envelope
from nbrucio.kernel.quoting import quoted_path
from nbrucio_cli.error_text import error_json, error_text
from nbrucio_cli.streams import discard_stdout

if TYPE_CHECKING:
    from nbrucio.core.planner import Wanted

F = TypeVar("F", bound=Callable[..., Any])

_REPORT = "Run it again with NBRUCIO_DEBUG=1 to print a traceback, and report it."
_INSTANCE = "nbrucio.instance"


def _choose_instance(context: click.Context, _: click.Parameter, name: str | None) -> None:
    if name is not None:
        context.meta[_INSTANCE] = name


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
instance_option = click.option(
    "--instance",
    metavar="NAME",
    expose_value=False,
    callback=_choose_instance,
    help="Use this instance as the default one, also for the account at a server.",
)
variant_option = click.option("--variant", metavar="NAME", help="Use the selections of this variant.")

rse_option = click.option("--rse", metavar="EXPR", help="Download only from the RSEs of this RSE expression.")


def only_from(config: Config, rse: str | None) -> Config:
    """Return ``config`` with downloads limited to the RSEs of an RSE expression; None leaves it."""
    if rse is None:
        return config
    return config._replace(policy=config.policy._replace(only_rses=rse))


def limited_to(error: NbrucioError, rse: str | None) -> NbrucioError:
    """Return ``error``; for a missing replica the hint says that only the RSEs of ``rse`` were asked for."""
    if rse is not None and error.code == "no-replica":
        error.hint, error.next_command = f"Only the RSEs of --rse {shlex.quote(rse)} were asked for.", None
    return error


def cli_command(function: F) -> F:
    """Turn every exception of a command into a message and an exit code.

    An `NbrucioError` is printed with its next step. Ctrl-C exits with 130. Any other exception is a bug in nbrucio and
    is printed in one line; NBRUCIO_DEBUG=1 shows its traceback.
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - forwards click's values
        as_json = bool(kwargs.get("as_json"))
        try:
            code = function(*args, **kwargs)
        except NbrucioError as error:
            shown = _for_this_command(error, kwargs.get("notebook"), kwargs.get("root"))
            end_with(shown, as_json=as_json)
        except (KeyboardInterrupt, click.Abort):  # the latter at a question
            end_with(Interrupted("Stopped."), as_json=as_json)
        except BrokenPipeError:
            discard_stdout()  # the reader closed the pipe, as in ``nbrucio paths | head``
            sys.exit(0)
        except (click.exceptions.Exit, click.ClickException):
            raise
        except Exception as error:
            if os.environ.get("NBRUCIO_DEBUG"):
                raise
            end_with(unexpected(error, _REPORT), as_json=as_json)
        else:
            sys.exit(code or 0)

    return wrapped  # type: ignore[return-value]


def _for_this_command(error: NbrucioError, notebook: object, root: object) -> NbrucioError:
    """Return ``error`` with the notebook, or the sandbox's folder, of the command line in its suggestions."""
    shown = copy.copy(next(named([error], notebook)) if isinstance(notebook, Path) else error)
    if isinstance(root, Path) and (shown.next_command or "").startswith("nbrucio sandbox "):
        shown.next_command = f"{shown.next_command} --root {quoted_path(root)}"
    return shown


def end_with(error: NbrucioError, *, as_json: bool) -> None:
    """Print ``error`` and exit with its exit code."""
    try:
        if as_json:
            print_json(error_json(error))
        sys.stdout.flush()
    except (OSError, NbrucioError):
        discard_stdout()  # stderr still gets the error
    tell_error(error)
    sys.exit(error.exit_code)


def tell_error(error: NbrucioError, count: str = "") -> None:
    """Print an error on stderr: the message, the hint, the next command."""
    click.echo(error_text(error, count), err=True)


def tell_errors(errors: Iterable[NbrucioError], limit: int = 5, notebooks: Iterable[Path] = ()) -> None:
    """Print errors on stderr, at most ``limit`` in full.

    Errors that differ only by their subject, or by one of the ``notebooks``, are printed once with a count.
    """
    paths = sorted({name for path in notebooks for name in (str(path), quoted_path(path))}, key=len, reverse=True)
    alike: dict[tuple[str, ...], list[NbrucioError]] = {}
    for error in errors:
        texts = (error.message, error.hint or "", error.next_command or "")
        for name in (*paths, *([error.subject] if error.subject else [])):
            texts = tuple(text.replace(name, "…") for text in texts)  # type: ignore[assignment]
        alike.setdefault((error.code, *texts), []).append(error)
    for first, *others in list(alike.values())[:limit]:
        tell_error(first, f" The same for {len(others):,} more; --json lists them." if others else "")
    rest = sum(map(len, list(alike.values())[limit:]))
    if rest:
        click.echo(f"error: {rest:,} more like these; --json lists them all.", err=True)


def tell_warnings(warnings: Iterable[NbrucioError], limit: int = 5) -> None:
    """Print problems on stderr that do not change the exit code, at most ``limit`` of them."""
    found = list(warnings)
    for warning in found[:limit]:
        click.echo(f"warning: {warning.message} {warning.hint or ''}".rstrip(), err=True)
    if len(found) > limit:
        click.echo(f"warning: {len(found) - limit:,} more like these; --json lists them all.", err=True)


def print_json(value: Mapping[str, object], errors: Iterable[NbrucioError] = ()) -> None:
    """Print one JSON document on stdout: ``value`` in the envelope of all results.

    Args:
        errors: those that ``value`` itself does not list.
    """
    text = json.dumps({**envelope(errors), **value}, indent=2, ensure_ascii=False)
    # Names of files that are not UTF-8 have halves of surrogate pairs, which have no UTF-8 form, only an escape.
    click.echo(re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):x}", text))


def load_config() -> Config:
    """Return the configuration; print its warnings on stderr."""
    from nbrucio.config import load

    context = click.get_current_context(silent=True)
    chosen = context.meta.get(_INSTANCE) if context else None
    if chosen is None:
        config = load()
    else:
        os.environ["NBRUCIO_INSTANCE"] = chosen  # for the kernels of `nbrucio run`, too
        config = load()
        config.instance(chosen)  # a name that is not configured is an error even where nothing needs it
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    return config


def expand(paths: Sequence[Path]) -> list[Path]:
    """Return the files in ``paths`` and the notebooks below its folders; see `nbrucio.notebook.folders.expand`."""
    from nbrucio.notebook import folders

    return folders.expand(paths, lambda words: click.echo(f"warning: {words}", err=True))


def keep_consent(wanted: Iterable[Wanted]) -> None:
    """Save the user's consent to these downloads: opening a notebook in Jupyter may repeat them."""
    from nbrucio.operations.grants import user_grants

    try:
        user_grants().extend(wanted)
    except (OSError, UnreadableFile, MissingDependency) as error:
        click.echo(f"warning: your consent to these downloads could not be saved: {error}", err=True)
