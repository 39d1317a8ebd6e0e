"""papermill's engine with a sync before the run. `nbrucio.runners.papermill` loads it on use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import nbformat
from papermill.engines import NBClientEngine

from nbrucio.core.requirement import NO_PARAMETERS
from nbrucio.errors import NbrucioError
from nbrucio.launch.executed_notebook import working_folder
from nbrucio.launch.kernel_manager import kernel_manager_with
from nbrucio.notebook.base import KEY
from nbrucio.runners.prepare import Ready, one_line, ready
from nbrucio.runners.provenance import recorded


class NotReady(click.ClickException):
    """Data of the notebook is missing, so no cell was run; ``__cause__`` is the error.

    As an error of click, it makes papermill's command line print one line without a traceback and exit with its code.
    """

    def __init__(self, error: NbrucioError) -> None:
        super().__init__(one_line(error))
        self.exit_code = error.exit_code  # type: ignore[misc] # click reads it from the instance


class SyncingEngine(NBClientEngine):  # type: ignore[misc] # papermill has no types
    """Syncs the declared data, executes the notebook, and records in it the data that it read."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:  # noqa: ANN401 - papermill's own
        """Sync, then execute like papermill.

        Raises:
            NotReady: declared data is missing; no cell was run.
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
    """Provide the notebook's local path; a temporary copy during the block when it was read from elsewhere."""
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
