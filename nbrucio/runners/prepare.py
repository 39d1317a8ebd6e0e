"""Prepares the data of one run of a notebook, for every runner, before it starts a kernel.

Each run gets a manifest of its own. Two runs of one notebook at the same time, even with different parameters, do not
affect each other, and a notebook that is open elsewhere keeps its manifest.
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
from nbrucio.core.events import Reporter
from nbrucio.core.report import NotebookReport
from nbrucio.core.requirement import NO_PARAMETERS
from nbrucio.core.text import plural
from nbrucio.disk.system_errors import kind_of
from nbrucio.errors import BadConfig, NbrucioError, exit_code_for, find_programs_by
from nbrucio.kernel.command import words_for
from nbrucio.kernel.where import make_private, runtime_folder
from nbrucio.launch.kernel_environment import for_notebook
from nbrucio.pipeline.options import Options
from nbrucio.pipeline.run import sync


@dataclass(frozen=True)
class Ready:
    """A notebook whose data is available.

    Attributes:
        notebook: its absolute path.
        report: result of the sync.
        environment: variables for a kernel that runs the notebook, in addition to this process's.
    """

    notebook: Path
    report: NotebookReport
    environment: Mapping[str, str]

    def kernel_environment(self) -> dict[str, str]:
        """Return the complete environment of that kernel, for nbclient's ``execute(env=…)``."""
        return {**os.environ, **self.environment}


@contextmanager
def ready(
    notebook: Path,
    parameters: Mapping[str, object] = NO_PARAMETERS,
    *,
    config: Config | None = None,
    reporter: Reporter | None = None,
) -> Iterator[Ready]:
    """Sync ``notebook``, and make its data available to kernels during the block.

    Args:
        parameters: parameter values of the run, for requirements that take their DID from one.
        config: None reads the configuration of this machine.

    Raises:
        NbrucioError: declared data is missing. Of several errors, the most serious one, with the number of others.
    """
    with private_runtime() as folder:
        options = Options(parameters=parameters, runtime=folder)
        report = sync([notebook.absolute()], config or load(), options=options, reporter=reporter).notebooks[0]
        refuse_unready(report)
        yield Ready(report.path, report, for_notebook(report.path, report.manifest))


def refuse_unready(report: NotebookReport) -> None:
    """Raise unless all declared data of a notebook is available.

    Raises:
        NbrucioError: see `ready`.
    """
    errors = [*report.faults, *(error for requirement in report.requirements for error in requirement.errors())]
    if errors:
        raise deciding(errors)


def deciding(errors: Sequence[NbrucioError]) -> NbrucioError:
    """Return the first error with the errors' common exit code; its message has the number of other errors."""
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
    """Return an error as one line for logs, see `NbrucioError.as_line`."""
    find_programs_by(words_for)
    return error.as_line()


@contextmanager
def private_runtime() -> Iterator[Path]:
    """Provide a folder for the manifests of one run, which is removed after the block.

    Raises:
        BadConfig: this user's runtime folder cannot be used.
    """
    parent = runtime_folder().absolute()
    try:
        make_private(parent)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix="run-"))
    except OSError as error:
        raise kind_of(error, BadConfig)(
            f"The runtime folder {parent} cannot be used: {error.strerror or error}.",
            subject=str(parent),
            hint="Set XDG_RUNTIME_DIR to a folder of your own.",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
