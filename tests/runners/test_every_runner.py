"""The tools that people already use to run notebooks: green on an empty store, one line where the data is gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runners.conftest import PYTHON, Done, Shell

EXAMPLE = Path(__file__).parents[2] / "examples" / "dimuon.ipynb"
PROVISIONER = {"JUPYTER_DEFAULT_PROVISIONER_NAME": "nbrucio-provisioner"}
CLIENT = """
import sys, nbformat
from pathlib import Path
from nbclient import NotebookClient
from nbrucio.errors import NbrucioError
from nbrucio.runners import one_line, ready
try:
    with ready(Path(sys.argv[1])) as here:
        NotebookClient(nbformat.read(sys.argv[1], 4)).execute(env=here.kernel_environment())
except NbrucioError as error:
    sys.exit(one_line(error))
"""


def plugin(shell: Shell, path: Path, *words: str) -> Done:
    return shell("pytest", "-p", "no:cacheprovider", *words, path)


#: By name, how a tool is called on a notebook. Those below the line know nothing of nbrucio.
RUNNERS: dict[str, Callable[[Shell, Path], Done]] = {
    "engine": lambda shell, path: shell("papermill", "--engine", "nbrucio", "--no-progress-bar", path, "out.ipynb"),
    "nbmake": lambda shell, path: plugin(shell, path, "--nbmake"),
    "nbval": lambda shell, path: plugin(shell, path, "--nbval-lax"),
    "nbclient": lambda shell, path: shell("python", "-c", CLIENT, path),
    # ---
    "papermill": lambda shell, path: shell("papermill", "--no-progress-bar", path, "out.ipynb", **PROVISIONER),
    "execute": lambda shell, path: shell("jupyter", "execute", path, **PROVISIONER),
    "nbconvert": lambda shell, path: shell(
        "jupyter", "nbconvert", "--to", "notebook", "--execute", path, "--output", "out", **PROVISIONER
    ),
    "jupytext": lambda shell, path: shell(
        "jupytext", "--to", "ipynb", "--execute", "-o", "out.ipynb", as_text(shell, path), **PROVISIONER
    ),
}


def as_text(shell: Shell, path: Path) -> Path:
    """The notebook as a script that jupytext made, and no other."""
    (shell.folder / "jupytext.toml").write_text('notebook_metadata_filter = "nbrucio"\n')
    assert shell("jupytext", "--to", "py:percent", path).exit_code == 0
    path.unlink()
    return path.with_suffix(".py")


@pytest.mark.parametrize("runner", RUNNERS)
def test_the_example_runs_on_an_empty_store(shell: Shell, runner: str) -> None:
    path = Path(shutil.copy(EXAMPLE, shell.folder))
    done = RUNNERS[runner](shell, path)
    assert done.exit_code == 0, done.told
    assert (shell.folder / "dimuon.png").stat().st_size > 10_000
    assert len(list((shell.store / "objects").glob("*/*/*.root"))) == 4


@pytest.mark.parametrize("runner", [name for name in RUNNERS if name != "engine"])  # test_papermill.py has it
def test_when_the_dataset_is_gone_it_fails_and_says_so_in_one_line(shell: Shell, erased: str, runner: str) -> None:
    code = ("import nbrucio\nfiles = nbrucio.data['small']", "open('ran', 'w')")
    path = shell.notebook({"did": erased, "handle": "small"}, code=code)
    done = RUNNERS[runner](shell, path)
    assert done.exit_code != 0
    lines = [line for line in done.told.splitlines() if f"sandbox knows no DID '{erased}'" in line]
    assert lines, done.told
    assert not (shell.folder / "ran").exists()


def test_the_plugin_leaves_other_tests_and_notebooks_alone(shell: Shell) -> None:
    (shell.folder / "test_own.py").write_text(
        "import sys\ndef test_own(): assert 'nbrucio.pipeline.run' not in sys.modules and 'rucio' not in sys.modules\n"
    )
    content: dict[str, Any] = {"cells": [], "metadata": PYTHON, "nbformat": 4, "nbformat_minor": 4}
    (shell.folder / "plain.ipynb").write_text(json.dumps(content))
    assert plugin(shell, shell.folder / "test_own.py").exit_code == 0
    broken = shell.folder / "broken.toml"
    broken.write_text("[")
    done = shell(
        "pytest", "-p", "no:cacheprovider", "--nbmake", shell.folder / "plain.ipynb", NBRUCIO_CONFIG=str(broken)
    )
    assert done.exit_code == 0, done.told
