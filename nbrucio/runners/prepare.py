"""Make one notebook's data ready for one run of it: what every runner does before it starts a kernel.

The run gets a manifest of its own. Two runs of one notebook at the same time, with different parameters or not, do not
see each other's, and a notebook that is open elsewhere keeps the one that it has.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nbrucio.config import Config, load
from nbrucio.core.declaration import NO_PARAMETERS
from nbrucio.core.events import Reporter
from nbrucio.core.report import NotebookReport
from nbrucio.core.text import plural
from nbrucio.errors import BadConfig, NbrucioError, exit_code_for
from nbrucio.kernel.where import make_private, runtime_folder
from nbrucio.launch.kernel_environment import for_notebook
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync


@dataclass(frozen=True)
class Ready:
    """A notebook whose data is here.

    Attributes:
        notebook: its absolute path.
        report: what the sync found and brought.
        environment: what a kernel that runs the notebook must be told, beside the process environment.
    """

    notebook: Path
    report: NotebookReport
    environment: Mapping[str, str]

    def kernel_environment(self) -> dict[str, str]:
        """The whole environment for that kernel, for nbclient's ``execute(env=…)``."""
        return {**os.environ, **self.environment}


@contextmanager
def ready(
    notebook: Path,
    parameters: Mapping[str, object] = NO_PARAMETERS,
    *,
    config: Config | None = None,
    reporter: Reporter | None = None,
) -> Iterator[Ready]:
    """Sync ``notebook`` and keep its data known to kernels while the block runs.

    Args:
        parameters: the values that the notebook runs with, for requirements that take their DID from one.
        config: None reads the configuration of this machine.

    Raises:
        NbrucioError: something that the notebook declares is not here; of several errors the one that decides the
            exit code, and its message says how many more there are.
    """
    with private_runtime() as folder:
        options = Options(parameters=parameters, runtime=folder)
        report = sync([notebook.absolute()], config or load(), options=options, reporter=reporter).notebooks[0]
        refuse_unready(report)
        yield Ready(report.path, report, for_notebook(report.path, report.manifest))


def refuse_unready(report: NotebookReport) -> None:
    """Return when everything that a notebook declares is here.

    Raises:
        NbrucioError: as `ready`.
    """
    errors = [*report.faults, *(error for requirement in report.requirements for error in requirement.errors())]
    if errors:
        raise deciding(errors)


def deciding(errors: Sequence[NbrucioError]) -> NbrucioError:
    """Of several errors the first that has their common exit code, saying how many different ones there are besides."""
    code = exit_code_for(errors)
    first = next(error for error in errors if error.exit_code == code)
    others = len({error.message for error in errors} - {first.message})
    if not others:
        return first
    return type(first)(
        f"{first.message} ({plural(others, 'more error')}.)",
        subject=first.subject,
        hint=first.hint,
        next_command=first.next_command,
    )


def one_line(error: NbrucioError) -> str:
    """An error as one line for logs that show no more: what happened, what to do, what to type."""
    parts = (error.message, error.hint, f"Run: {error.next_command}" if error.next_command else None)
    return " ".join(" ".join(part for part in parts if part).split())


@contextmanager
def private_runtime() -> Iterator[Path]:
    """A folder for the manifests of one run, gone after the block.

    Raises:
        BadConfig: this user's runtime folder cannot be used.
    """
    parent = runtime_folder().absolute()
    try:
        make_private(parent)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix="run-"))
    except OSError as error:
        raise BadConfig(
            f"The runtime folder {parent} cannot be used: {error.strerror or error}.",
            subject=str(parent),
            hint="Set XDG_RUNTIME_DIR to a folder of your own.",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
