"""The tools that people already use to run notebooks: the same data in each, one line where it is gone.

Which tools these are, and how they are called, stands in docs/headless.md.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping
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


def documented() -> dict[str, bool]:
    """The commands of the table in docs/headless.md, and whether they are called with the provisioner."""
    text = (Path(__file__).parents[2] / "docs" / "headless.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (\S+) \|$", text.partition("## The same in each runner")[2], re.MULTILINE)
    return {command: {"yes": True, "no": False}[provisioner] for command, provisioner in rows}


DOCUMENTED = documented()
NBCLIENT = "nbclient in a program"
RUNNERS = [*DOCUMENTED, NBCLIENT]
FORMS = (
    "import nbrucio\nfound = [nbrucio.data['small']]",
    "found.append(nbrucio.data('{did}'))",
    "by_magic = %rucio {did}\nfound.append(by_magic)",
    "%%rucio\n{did}",
    "found.append(_)",
    "found.append(small)",
    "with open('found', 'a') as file: print(*map(len, found), file=file)",
)


def forms(requirement: Mapping[str, Any]) -> tuple[str, ...]:
    """Cells that use the data of ``requirement`` in every way, and write into a file how many files each found."""
    return tuple(cell.replace("{did}", requirement["did"]) for cell in FORMS)


def call(shell: Shell, runner: str, path: Path) -> Done:
    """Run the notebook at ``path``, which is called nb.ipynb, as ``runner`` does."""
    if runner == NBCLIENT:
        return shell("python", "-c", CLIENT, path)
    program, *words = shlex.split(runner)
    if "nb.py" in words:
        as_text(shell, path)
    return shell(program, *words, **(PROVISIONER if DOCUMENTED[runner] else {}))


def plugin(shell: Shell, *words: object) -> Done:
    return shell("pytest", "-p", "no:cacheprovider", *words)


def as_text(shell: Shell, path: Path) -> Path:
    """The notebook as a script that jupytext made, and no other."""
    (shell.folder / "jupytext.toml").write_text('notebook_metadata_filter = "nbrucio"\n')
    assert shell("jupytext", "--to", "py:percent", path).exit_code == 0
    path.unlink()
    return path.with_suffix(".py")


def test_the_documentation_has_the_commands() -> None:
    assert len(DOCUMENTED) == 8


@pytest.mark.parametrize("runner", RUNNERS)
def test_every_form_of_use_works_on_an_empty_store(shell: Shell, small: dict[str, Any], runner: str) -> None:
    done = call(shell, runner, shell.notebook({**small, "bind": True}, code=forms(small)))
    assert done.exit_code == 0, done.told
    assert (shell.folder / "found").read_text() == "3 3 3 3 3\n"


def test_the_example_runs_on_an_empty_store(shell: Shell) -> None:
    shutil.copy(EXAMPLE, shell.folder / "nb.ipynb")
    done = shell("papermill", "--engine", "nbrucio", "--no-progress-bar", "nb.ipynb", "out.ipynb")
    assert done.exit_code == 0, done.told
    assert (shell.folder / "dimuon.png").stat().st_size > 10_000
    assert len(list((shell.store / "objects").glob("*/*/*.root"))) == 4


@pytest.mark.parametrize("runner", [name for name in RUNNERS if "engine" not in name])  # test_papermill.py has it
def test_when_the_dataset_is_gone_it_fails_and_says_so_in_one_line(shell: Shell, erased: str, runner: str) -> None:
    code = ("import nbrucio\nfiles = nbrucio.data['small']", "open('ran', 'w')")
    done = call(shell, runner, shell.notebook({"did": erased, "handle": "small"}, code=code))
    assert done.exit_code != 0
    lines = [line for line in done.told.splitlines() if f"'{erased}' does not exist in sandbox" in line]
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
