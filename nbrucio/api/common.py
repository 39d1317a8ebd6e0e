"""Common parts of the functions for programs: their arguments, the type of their results, and the progress."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeAlias

from nbrucio.config import Config
from nbrucio.core.events import Event, Noticed
from nbrucio.disk.system_errors import system_error
from nbrucio.errors import Interrupted, NbrucioError, UsageError
from nbrucio.pipeline.progress import Progress, Throttled

PathLike: TypeAlias = str | os.PathLike[str]
OnProgress: TypeAlias = Callable[[Progress], object]

_LOG = logging.getLogger("nbrucio")


class Result(Protocol):
    """The part that all results have in common."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command of the same name; 0 when everything is well."""

    def errors(self) -> Iterable[NbrucioError]:
        """Return all errors, in the order of notebooks and requirements."""

    def as_json(self) -> dict[str, object]:
        """Return what the command prints with ``--json``."""


def load_config(*, instance: str | None = None) -> Config:
    """Return the configuration of this machine, for several calls with the same one.

    Args:
        instance: the name of the instance to use as the default one.

    Raises:
        NbrucioError: the configuration cannot be read, or has no such instance.
    """
    with local_errors():
        from nbrucio.config import load

        if instance is None:
            return load()
        config = load({**os.environ, "NBRUCIO_INSTANCE": instance})
        config.instance(instance)
        return config


def path_of(given: PathLike) -> Path:
    """Return the path of a notebook or a file. `Path` takes an empty name for the working folder.

    Raises:
        UsageError: the name is empty.
    """
    if given == "":
        raise UsageError("The name of the notebook or of the file is empty.")
    return Path(given)


def paths_of(given: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return one path, or several, as a list.

    Raises:
        UsageError: the name of one is empty.
    """
    return [path_of(one) for one in ([given] if isinstance(given, (str, os.PathLike)) else given)]


def notebooks_of(given: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return the notebooks, and those below the folders; warn the function's caller of each that is left out."""
    from nbrucio.notebook.folders import expand

    left_out: list[str] = []
    found = expand(paths_of(given), left_out.append)
    for words in left_out:
        warnings.warn(words, stacklevel=3)
    return found


@contextmanager
def local_errors() -> Iterator[None]:
    """Raise the error of a disk, a file or a limit of this machine as an `NbrucioError`, as commands show it.

    A context and no decorator: warnings count the frames between them and a program.
    """
    try:
        yield
    except (OSError, MemoryError, RuntimeError) as error:
        found = system_error(error)
        if found is None:
            raise
        raise found from error


class Follower:
    """A reporter that calls a program's ``progress``, one call at a time, and logs notices."""

    def __init__(self, progress: OnProgress | None, cancel: threading.Event) -> None:
        self.cancel = cancel
        self.error: BaseException | None = None
        self._progress = progress
        self._lock = threading.Lock()
        self._counted = Throttled(self._call)

    def report(self, event: Event) -> None:
        """Count ``event``, or log it."""
        if isinstance(event, Noticed):
            _LOG.info("%s", event.message)
        elif self._progress is not None:
            self._counted.report(event)

    def finish(self) -> None:
        """Call with the final progress, and raise the exception of an earlier call."""
        if self._progress is not None:
            self._call(self._counted.progress)
        if self.error is not None:
            raise self.error

    def _call(self, now: Progress) -> None:
        with self._lock:
            if self._progress is None or self.error is not None:
                return
            try:
                self._progress(now)
            except BaseException as error:  # noqa: BLE001 - raised by `finish`, in the thread of the caller
                self.error = error
                self.cancel.set()


@contextmanager
def following(progress: OnProgress | None, cancel: threading.Event | None) -> Iterator[Follower]:
    """Return a reporter for a run, which an exception of ``progress`` ends; the exception is raised at the end.

    Other errors are those of `local_errors`.
    """
    follower = Follower(progress, cancel or threading.Event())
    try:
        with local_errors():
            yield follower
    except Interrupted:
        if follower.error is None:
            raise
    follower.finish()
