"""Notebooks of rucio-jupyterlab run unchanged: what is attached is a variable, with nothing done and after `init`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.runners.conftest import Shell
from tests.runners.test_every_runner import PROVISIONER, as_text

ATTACHED = [
    {"did": "sandbox:runners/1.dat", "type": "file", "variableName": "one"},
    {"did": "sandbox:runners", "type": "collection", "variableName": "many"},
    {"did": "sandbox:runners/2.dat", "type": "file", "variableName": "print"},
]
CODE = (
    "import json, os\nfound = [one + '.idx' == f'{one}.idx', os.path.getsize(one), len(many), many[0] in many]",
    "size = !wc -c < {one}\nfound.append(int(size[0]))",
    "with open('found', 'w') as file: json.dump(found, file)\nprint('still a function')",
)
RUNS = {
    "run": ("nbrucio", "run", "old.ipynb", "-q"),
    "engine": ("papermill", "--engine", "nbrucio", "--no-progress-bar", "old.ipynb", "out.ipynb"),
    "provisioner": ("jupyter", "execute", "old.ipynb"),
}


def old_notebook(shell: Shell) -> Path:
    """A notebook as rucio-jupyterlab leaves it."""
    return shell.notebook(code=CODE, name="old.ipynb", rucio_attachments=ATTACHED)


def found(shell: Shell) -> list[Any]:
    """What its cells found."""
    values: list[Any] = json.loads((shell.folder / "found").read_text())
    return values


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("run", RUNS)
def test_with_nothing_done_its_variables_are_there(shell: Shell, run: str) -> None:
    path = old_notebook(shell)
    before = path.read_bytes()
    done = shell(*RUNS[run], **(PROVISIONER if run == "provisioner" else {}))
    assert done.exit_code == 0, done.told
    assert found(shell) == [True, 5000, 3, True, 5000]
    assert path.read_bytes() == before


@pytest.mark.usefixtures("small")
def test_once_taken_over_its_variables_are_still_there(shell: Shell) -> None:
    path = old_notebook(shell)
    assert shell("nbrucio", "init", path).exit_code == 0
    requirements = json.loads(path.read_text())["metadata"]["nbrucio"]["requirements"]
    assert [each["bind"] for each in requirements] == [True] * 3
    done = shell(*RUNS["run"])
    assert done.exit_code == 0, done.told
    assert found(shell) == [True, 5000, 3, True, 5000]


@pytest.mark.usefixtures("small")
def test_a_text_notebook_has_its_variables_with_the_provisioner(shell: Shell) -> None:
    path = old_notebook(shell)
    assert shell("nbrucio", "init", path).exit_code == 0
    text = as_text(shell, path)
    done = shell("jupytext", "--to", "ipynb", "--execute", "-o", "out.ipynb", text, **PROVISIONER)
    assert done.exit_code == 0, done.told
    assert found(shell) == [True, 5000, 3, True, 5000]
