"""papermill's engine with our sync before it. Loaded by `nbrucio.runners.papermill` when it is used."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import nbformat
from papermill.engines import NBClientEngine

from nbrucio.core.declaration import NO_PARAMETERS
from nbrucio.errors import NbrucioError
from nbrucio.launch.executed_notebook import working_folder
from nbrucio.launch.kernel_manager import kernel_manager_with
from nbrucio.notebook.base import KEY
from nbrucio.runners.prepare import Ready, one_line, ready
from nbrucio.runners.provenance import recorded


class NotReady(click.ClickException):
    """The data of a notebook is not here, so none of its cells was run; ``__cause__`` is the error.

    Being click's, papermill's command line shows its one line without a traceback and ends with its exit code.
    """

    def __init__(self, error: NbrucioError) -> None:
        super().__init__(one_line(error))
        self.exit_code = error.exit_code  # type: ignore[misc] # click reads it from the instance


class SyncingEngine(NBClientEngine):  # type: ignore[misc] # papermill has no types
    """Syncs what the notebook declares, executes it, and records in it what it read."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:  # noqa: ANN401 - papermill's own
        """As papermill's, once the data is here.

        Raises:
            NotReady: something that the notebook declares is not here; no cell was run.
        """
        metadata = nb_man.nb.metadata
        parameters = metadata.get("papermill", {}).get("parameters") or NO_PARAMETERS
        with _notebook_file(nb_man.nb, kwargs.get("input_path")) as path, _ready(path, parameters) as here:
            metadata[KEY] = nbformat.from_dict(recorded(metadata.get(KEY), here.report))
            manager = kernel_manager_with(here.environment)
            super().execute_managed_notebook(nb_man, kernel_name, kernel_manager_class=manager, **kwargs)


@contextmanager
def _ready(path: Path, parameters: Mapping[str, object]) -> Iterator[Ready]:
    try:
        with ready(path, parameters) as here:
            yield here
    except NbrucioError as error:
        raise NotReady(error) from error


@contextmanager
def _notebook_file(nb: Any, input_path: object) -> Iterator[Path]:  # noqa: ANN401 - a notebook of nbformat
    """Where the notebook is on this machine; a copy of it while the block runs when it came from elsewhere."""
    path = _local_path(input_path)
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="nbrucio-") as folder:
        copy = Path(folder, "notebook.ipynb")
        nbformat.write(nb, copy)
        yield copy


def _local_path(input_path: object) -> Path | None:
    if not isinstance(input_path, str) or not input_path.endswith(".ipynb"):
        return None
    path = Path(working_folder(), input_path)
    return path if path.is_file() else None
