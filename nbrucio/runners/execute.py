"""Executes a synced notebook with papermill."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from nbrucio.core.report import NotebookReport
from nbrucio.core.text import printable
from nbrucio.disk.libraries import missing_library
from nbrucio.disk.system_errors import kind_of
from nbrucio.errors import CellFailed, KernelFailed, MissingDependency, NbrucioError, UsageError
from nbrucio.launch.kernel_environment import for_notebook
from nbrucio.notebook.base import Notebook
from nbrucio.notebook.convert import as_ipynb
from nbrucio.notebook.ipynb import load
from nbrucio.runners.provenance import stamp

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

    The output also gets the record of the data that was read (see `nbrucio.runners.provenance`).

    Args:
        report: result of the sync; the kernel gets its manifest.
        parameters: values for the cell tagged ``parameters``, as papermill injects them.
        kernel: name of the kernel; None means the notebook's own, or without one, a kernel of its language.
        progress: whether papermill may draw a progress bar on stderr.

    Raises:
        MissingDependency: papermill, the notebook's kernel, or any kernel of its language is not installed.
        CellFailed: a cell raised an error; ``output`` has its traceback.
        KernelFailed: the kernel did not start, or ended before the last cell.
        UsageError: papermill cannot write ``parameters`` in the notebook's language, or ``output`` cannot be written.
        NoSpace: the disk of ``output`` is full.
    """
    try:
        with as_ipynb(notebook) as source, tempfile.TemporaryFile() as log:
            chosen = _Kernel.of(load(source), kernel, load(notebook).language())
            output.parent.mkdir(parents=True, exist_ok=True)
            environment = for_notebook(report.path, report.manifest)
            run = _Run(source, output, notebook.absolute().parent, chosen, environment, log)
            run.papermill(parameters, progress=progress)
    except (CellFailed, KernelFailed) as error:
        stamp(output, report)
        error.message = f"{notebook}: {error.message}"
        error.subject = str(notebook)
        raise
    except OSError as error:
        raise _unwritable(output, error) from error
    stamp(output, report)


def _unwritable(output: Path, error: OSError) -> NbrucioError:
    return kind_of(error, UsageError)(
        f"The executed notebook {output} cannot be written: {error.strerror or error}.",
        subject=str(output),
        hint="Name another file: nbrucio run NOTEBOOK OUTPUT.",
    )


class _Kernel(NamedTuple):
    """Kernel name and language for papermill; None means those of the notebook."""

    name: str | None
    language: str | None

    @classmethod
    def of(cls, notebook: Notebook, requested: str | None, language: str | None) -> _Kernel:
        """Return the kernel and language that the notebook's metadata lacks.

        The kernel is the requested one, else one of the notebook's ``language``, else Jupyter's default for new
        notebooks.

        Raises:
            MissingDependency: the kernel, any kernel of that language or jupyter_client is not installed.
        """
        name = requested or _named(notebook)
        known = name is not None and notebook.language() is not None
        try:
            from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel
        except ImportError as error:
            raise _no_papermill(error) from error
        if name is None and language is not None:
            specs = KernelSpecManager().get_all_specs()
            # Prefer Jupyter's native kernel; sort the others, to select the same one each time.
            name = _kernel_for(language, specs, sorted(specs, key=lambda one: (one != NATIVE_KERNEL_NAME, one)))
        name = name or NATIVE_KERNEL_NAME
        try:
            # papermill writes the output before it starts a kernel, so one that is not installed must be found here.
            spec = KernelSpecManager().get_kernel_spec(name)
        except NoSuchKernel as error:
            raise _not_installed(name) from error
        return cls(requested, None) if known else cls(name, spec.language)


def _named(notebook: Notebook) -> str | None:
    about = notebook.metadata.get("kernelspec")
    name = about.get("name") if isinstance(about, dict) else None
    return name if isinstance(name, str) and name else None


def _kernel_for(language: str, specs: Mapping[str, Any], order: Iterable[str]) -> str:
    for name in order:
        if str(specs[name]["spec"].get("language")).lower() == language.lower():
            return name
    raise MissingDependency(
        f"The notebook does not name a kernel, and no kernel for {language} is installed.",
        hint=f"Install a kernel for {language}, or name one: nbrucio run -k NAME.",
        next_command="jupyter kernelspec list",
    )


def _no_papermill(error: ImportError) -> MissingDependency:
    return missing_library("papermill", f"Running notebooks needs papermill: {error}.", pip="'nbrucio[run]'")


def _not_installed(kernel: str) -> MissingDependency:
    return MissingDependency(
        f"The notebook needs the kernel '{kernel}', which is not installed.",
        hint="Name an installed kernel: nbrucio run -k NAME.",
        next_command="jupyter kernelspec list",
    )


class _Run(NamedTuple):
    """One run of papermill. ``log`` receives what the kernel writes besides the outputs of cells."""

    source: Path
    output: Path
    folder: Path
    kernel: _Kernel
    environment: Mapping[str, str]
    log: IO[bytes]

    def papermill(self, parameters: Mapping[str, object], *, progress: bool) -> None:
        """See `execute`."""
        try:
            import papermill
            from papermill.exceptions import PapermillException, PapermillExecutionError

            from nbrucio.launch.kernel_manager import kernel_manager_with
        except ImportError as error:
            raise _no_papermill(error) from error
        try:
            papermill.execute_notebook(
                str(self.source),
                str(self.output),
                dict(parameters),
                kernel_name=self.kernel.name,
                language=self.kernel.language,
                cwd=str(self.folder),
                progress_bar=progress,
                config=_encrypted(),
                kernel_manager_class=kernel_manager_with(self.environment, self.log),
            )
        except PapermillExecutionError as error:
            raise CellFailed(
                f"Cell {error.cell_index} failed: {error.ename}: {error.evalue}",
                hint=f"The traceback is in {self.output}.",
            ) from error
        except PapermillException as error:
            # For example parameters that papermill cannot write in the notebook's language.
            raise UsageError(
                f"papermill cannot run the notebook: {str(error).rstrip('.')}.",
                hint="Check the parameters and the notebook's kernel.",
            ) from error
        except RuntimeError as error:
            # The errors of nbclient and jupyter_client for a dead kernel have only their first word in common.
            if not str(error).startswith("Kernel"):
                raise
            raise KernelFailed(
                f"The k{str(error)[1:].rstrip('.')}.{self._last_output()}",
                hint=f"The outputs of the earlier cells are in {self.output}.",
            ) from error

    def _last_output(self) -> str:
        """Return the last line that the kernel wrote, which often says why it ended."""
        self.log.seek(max(0, self.log.seek(0, os.SEEK_END) - 2000))
        lines = self.log.read().decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), None)
        return "" if last is None else f" Its last output: {printable(last, 120)}."


def _encrypted() -> Config:
    """Make jupyter_client encrypt messages to kernels that support it; otherwise a recent ipykernel warns."""
    from jupyter_client.manager import KernelManager
    from traitlets.config import Config

    known = KernelManager.class_trait_names()
    return Config({"KernelManager": {"transport_encryption": "auto"}} if "transport_encryption" in known else {})


def typed(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Return parameter values of a command line: parsed as JSON if they are JSON, else as text."""
    return {name: _value(text) for name, text in pairs}


def _value(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
