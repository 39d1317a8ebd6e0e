"""The tools that people already use to run notebooks: the same data in each, one line where it is gone.

Which tools these are, and how they are called, stands in docs/headless.md.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

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


class Runner(NamedTuple):
    """A row of the table in docs/headless.md, which is what the tests expect."""

    command: str
    provisioner: bool
    python: str
    r: str
    downloads: str
    stops: str


def documented() -> dict[str, Runner]:
    """The rows of the table, by the command or program of each."""
    text = (Path(__file__).parents[2] / "docs" / "headless.md").read_text(encoding="utf-8")
    table = text.partition("| command | provisioner |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    runners = [Runner(row[0], {"yes": True, "no": False}[row[1]], *row[2:]) for row in rows]
    return {runner.command.replace("`", ""): runner for runner in runners}


DOCUMENTED = documented()
#: The others of the table need programs that only `make world` installs, see tests/world/test_other_programs.py.
COMMANDS = list(DOCUMENTED)[:8]
NBCLIENT = "nbclient in a program"
RUNNERS = [*COMMANDS, NBCLIENT]
FORMS = (
    "import os, pathlib\nstored = len(list(pathlib.Path(os.environ['NBRUCIO_STORE']).glob('objects/*/*/*')))",
    "import nbrucio\nfound = [nbrucio.data['small']]",
    "found.append(nbrucio.data('{did}'))",
    "by_magic = %rucio {did}\nfound.append(by_magic)",
    "%%rucio\n{did}",
    "found.append(_)",
    "found.append(small)",
    "with open('found', 'a') as file: print(*map(len, found), file=file)",
    "with open('stored', 'w') as file: print(stored, file=file)",
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
    return shell(program, *words, **(PROVISIONER if DOCUMENTED[runner].provisioner else {}))


def plugin(shell: Shell, *words: object) -> Done:
    return shell("pytest", "-p", "no:cacheprovider", *words)


def as_text(shell: Shell, path: Path, kind: str = "py:percent") -> Path:
    """The notebook as a script that jupytext made, and no other."""
    (shell.folder / "jupytext.toml").write_text('notebook_metadata_filter = "nbrucio"\n')
    assert shell("jupytext", "--to", kind, path).exit_code == 0
    path.unlink()
    return path.with_suffix("." + kind.partition(":")[0])


def downloads(shell: Shell) -> str:
    """When the files were downloaded that `forms` found, in the words of the table."""
    return {"0": "in the cell", "3": "before the first cell"}[(shell.folder / "stored").read_text().strip()]


def test_the_documentation_has_the_commands() -> None:
    assert [name for name in DOCUMENTED if "nb." in name and "voila" not in name] == COMMANDS
    assert {(each.python, each.r, each.downloads, each.stops) for each in DOCUMENTED.values()} <= {
        ("all", "yes", "before the first cell", "every cell"),
        ("all", "synced", "in the cell", "that cell"),
        ("all", "no", "in the cell", "that cell"),
        ("`nbrucio.data`", "no", "no", "that cell"),
    }


@pytest.mark.parametrize("runner", RUNNERS)
def test_every_form_of_use_works_on_an_empty_store(shell: Shell, small: dict[str, Any], runner: str) -> None:
    done = call(shell, runner, shell.notebook({**small, "bind": True}, code=forms(small)))
    assert done.exit_code == 0, done.told
    assert (shell.folder / "found").read_text() == "3 3 3 3 3\n"
    assert downloads(shell) == (DOCUMENTED[runner].downloads if runner in DOCUMENTED else "before the first cell")


def test_the_example_runs_on_an_empty_store(shell: Shell) -> None:
    shutil.copy(EXAMPLE, shell.folder / "nb.ipynb")
    done = shell("papermill", "--engine", "nbrucio", "--no-progress-bar", "nb.ipynb", "out.ipynb")
    assert done.exit_code == 0, done.told
    assert (shell.folder / "dimuon.png").stat().st_size > 10_000
    assert len(list((shell.store / "objects").glob("*/*/*.root"))) == 4


@pytest.mark.parametrize("runner", [name for name in RUNNERS if "engine" not in name])  # test_papermill.py has it
def test_when_the_dataset_is_gone_it_fails_and_says_so_in_one_line(shell: Shell, erased: str, runner: str) -> None:
    code = ("open('began', 'w').close()", "import nbrucio\nfiles = nbrucio.data['small']", "open('ran', 'w')")
    done = call(shell, runner, shell.notebook({"did": erased, "handle": "small"}, code=code))
    assert done.exit_code != 0
    lines = [line for line in done.told.splitlines() if f"'{erased}' does not exist in sandbox" in line]
    assert lines, done.told
    assert not (shell.folder / "ran").exists()
    stopped = "that cell" if (shell.folder / "began").exists() else "every cell"
    assert stopped == (DOCUMENTED[runner].stops if runner in DOCUMENTED else "every cell")


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
