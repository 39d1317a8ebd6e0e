"""Old notebooks have the same outputs as with rucio-jupyterlab itself, unchanged and after they were taken over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runners.conftest import Shell
from tests.runners.test_every_runner import PROVISIONER
from tests.runners.test_foreign_kernels import foreign, python

__all__ = ["python"]  # a fixture
pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

ATTACHED = [
    {"did": "sandbox:runners/1.dat", "type": "file", "variableName": "one"},
    {"did": "sandbox:runners", "type": "collection", "variableName": "many"},
]
CELLS = (
    "one",
    "print(one, f'{one}', one.path, one.did_available)",
    "one + '.idx', one.upper() == one, len(one), one[0], one.split('/')[-1]",
    "open(one, 'rb').read(4), isinstance(one, str), {one: 1}[one.path]",
    "many",
    "print(many, many[0], many[-1], len(many), many.did_available)",
    "[path + '.idx' for path in many], many[:2], many + ['mine'], sorted(many, reverse=True)[0], one in many",
    "','.join(many), list(map(len, many)), isinstance(many, list), many.items[0].path, many.index(one)",
    "import json\njson.dumps({'one': one, 'many': many})",
    "import os\nsum(os.path.getsize(path) for path in many), os.path.basename(one)",
    "size = !wc -c < {one}\nsize",
)
#: What rucio-jupyterlab's panel sends to its kernel part: the names, and where the files are.
THEIRS = """
from rucio_jupyterlab.kernels.ipython import RucioDIDAttachmentConnector as Connector
connector = Connector(get_ipython())
connector.register_outgoing_comm()
connector.inject_dids({attached})
"""


@pytest.fixture(scope="module")
def theirs(python: Path) -> Path:
    """A Python with rucio-jupyterlab's kernel part and without nbrucio."""
    site = next(python.parents[1].glob("lib/python*/site-packages"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--target", site, "rucio-jupyterlab"], check=True)
    return python


def outputs(notebook: Path) -> list[list[str]]:
    """The texts that the last cells showed."""
    cells = json.loads(notebook.read_text())["cells"][-len(CELLS) :]
    found = []
    for cell in cells:
        texts = [each.get("text") or each.get("data", {}).get("text/plain") or [] for each in cell["outputs"]]
        lines = ["".join(text) for text in texts]
        found.append([line for line in lines if not line.startswith("nbrucio: ")])  # progress of a download
    return found


@pytest.fixture
def expected(shell: Shell, small: dict[str, Any], theirs: Path) -> list[list[str]]:
    """The outputs of the notebook with rucio-jupyterlab."""
    declared = shell.notebook(small, name="declared.ipynb")
    assert shell("nbrucio", "sync", declared).exit_code == 0
    paths = shell("nbrucio", "paths", declared).out.split()
    assert len(paths) == 3
    files = {"one": [paths[1]], "many": paths}
    attached = [
        {**each, "files": [{"path": path, "pfn": None} for path in files[each["variableName"]]]} for each in ATTACHED
    ]
    argv = [str(theirs), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    code = (THEIRS.replace("{attached}", repr(attached)), *CELLS)
    shell.notebook(code=code, name="theirs.ipynb", **foreign(shell, "theirs", argv))
    done = shell("jupyter", "execute", "theirs.ipynb", "--output=theirs-out")
    assert done.exit_code == 0, done.told
    found = outputs(shell.folder / "theirs-out.ipynb")
    assert found[0] == [paths[1]]
    return found


@pytest.mark.parametrize("taken_over", ["nothing done", "init", "Import"])
@pytest.mark.parametrize("runner", ["nbrucio run", "provisioner"])
def test_old_notebooks_show_the_same(shell: Shell, expected: list[list[str]], taken_over: str, runner: str) -> None:
    # What the panel's Import writes is tested in frontend/src/model/declaration.test.ts.
    imported = [{"did": each["did"], "handle": each["variableName"], "bind": True} for each in ATTACHED]
    declared = {"nbrucio": {"version": 1, "requirements": imported}} if taken_over == "Import" else {}
    path = shell.notebook(code=CELLS, name="old.ipynb", rucio_attachments=ATTACHED, **declared)
    if taken_over == "init":
        assert shell("nbrucio", "init", path).exit_code == 0
    if runner == "provisioner":
        done = shell("jupyter", "execute", path, "--output=out", **PROVISIONER)
    else:
        done = shell("nbrucio", "run", path, "out.ipynb", "-q")
    assert done.exit_code == 0, done.told
    assert outputs(shell.folder / "out.ipynb") == expected
    status = shell("nbrucio", "status", path).out
    assert "2 of 2 ready" in status
