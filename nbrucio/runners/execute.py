"""Execute a synced notebook with papermill."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbrucio.errors import CellFailed, MissingDependency
from nbrucio.kernel.where import MANIFEST_VARIABLE, NOTEBOOK_VARIABLE
from nbrucio.manifest import path_for
from nbrucio.runners.environment import environment


def execute(
    notebook: Path, output: Path, parameters: Mapping[str, object], *, kernel: str | None = None, progress: bool = False
) -> None:
    """Run every cell of ``notebook`` in the notebook's own folder and write the result to ``output``.

    Args:
        parameters: values for the cell tagged ``parameters``, as papermill injects them.
        kernel: the kernel's name; None is the notebook's own.
        progress: whether papermill may draw its bar on stderr.

    Raises:
        MissingDependency: papermill is not installed, or the notebook's kernel is not.
        CellFailed: a cell raised; ``output`` holds its traceback.
    """
    try:
        import papermill
        from jupyter_client.kernelspec import NoSuchKernel
        from papermill.exceptions import PapermillExecutionError
    except ImportError as error:
        raise MissingDependency(
            f"Executing notebooks needs papermill: {error}.", next_command="pip install 'nbrucio[run]'"
        ) from error
    output.parent.mkdir(parents=True, exist_ok=True)
    told = {MANIFEST_VARIABLE: str(path_for(notebook)), NOTEBOOK_VARIABLE: str(notebook.absolute())}
    try:
        with environment(told):
            papermill.execute_notebook(
                str(notebook),
                str(output),
                dict(parameters),
                kernel_name=kernel,
                cwd=str(notebook.absolute().parent),
                progress_bar=progress,
            )
    except PapermillExecutionError as error:
        raise CellFailed(
            f"Cell {error.cell_index} of {notebook} failed: {error.ename}: {error.evalue}",
            subject=str(notebook),
            hint=f"{output} holds the traceback.",
        ) from error
    except NoSuchKernel as error:
        raise MissingDependency(
            f"{notebook} wants the kernel '{error.name}', which is not installed.",
            subject=str(notebook),
            next_command="jupyter kernelspec list",
        ) from error


def typed(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Parameter values from a command line: what reads as JSON is that value, everything else is text."""
    return {name: _value(text) for name, text in pairs}


def _value(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value
