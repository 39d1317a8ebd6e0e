"""Execute a synced notebook with papermill."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nbrucio.errors import CellFailed, MissingDependency
from nbrucio.report import NotebookReport
from nbrucio.runners.environment import environment
from nbrucio.runners.prepare import told_of
from nbrucio.runners.record import stamp
from nbrucio.textnotebook import as_ipynb

if TYPE_CHECKING:
    from traitlets.config import Config


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, object],
    report: NotebookReport,
    *,
    kernel: str | None = None,
    progress: bool = False,
) -> None:
    """Run every cell of ``notebook`` in the notebook's own folder and write the result to ``output``.

    The output also gets the record of what was read (see `nbrucio.runners.record`).

    Args:
        report: how its sync ended; the kernel is told its manifest.
        parameters: values for the cell tagged ``parameters``, as papermill injects them.
        kernel: the kernel's name; None is the notebook's own.
        progress: whether papermill may draw its bar on stderr.

    Raises:
        MissingDependency: papermill is not installed, or the notebook's kernel is not.
        CellFailed: a cell raised; ``output`` holds its traceback.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with as_ipynb(notebook) as source, environment(told_of(report)):
            _papermill(source, output, parameters, notebook.absolute().parent, kernel, progress)
    except CellFailed as error:
        stamp(output, report)
        error.message = f"{notebook}: {error.message}"
        error.subject = str(notebook)
        raise
    stamp(output, report)


def _papermill(
    source: Path, output: Path, parameters: Mapping[str, object], folder: Path, kernel: str | None, progress: bool
) -> None:
    try:
        import papermill
        from jupyter_client.kernelspec import NoSuchKernel
        from papermill.exceptions import PapermillExecutionError
    except ImportError as error:
        raise MissingDependency(
            f"Executing notebooks needs papermill: {error}.", next_command="pip install 'nbrucio[run]'"
        ) from error
    try:
        papermill.execute_notebook(
            str(source),
            str(output),
            dict(parameters),
            kernel_name=kernel,
            cwd=str(folder),
            progress_bar=progress,
            config=_encrypted(),
        )
    except PapermillExecutionError as error:
        raise CellFailed(
            f"Cell {error.cell_index} failed: {error.ename}: {error.evalue}", hint=f"{output} holds the traceback."
        ) from error
    except NoSuchKernel as error:
        raise MissingDependency(
            f"The notebook wants the kernel '{error.name}', which is not installed.",
            next_command="jupyter kernelspec list",
        ) from error


def _encrypted() -> Config:
    """What has jupyter_client encrypt what it says to kernels that can; a recent ipykernel warns where it does not."""
    from jupyter_client.manager import KernelManager
    from traitlets.config import Config

    known = KernelManager.class_trait_names()
    return Config({"KernelManager": {"transport_encryption": "auto"}} if "transport_encryption" in known else {})


def typed(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Parameter values from a command line: what reads as JSON is that value, everything else is text."""
    return {name: _value(text) for name, text in pairs}


def _value(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value
