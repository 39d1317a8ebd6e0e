"""Kernels of another Python, in which nbrucio is not installed, started by scripts: every runner gives them data."""

from __future__ import annotations

import json
import site
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runners.conftest import Shell
from tests.runners.test_every_runner import NBCLIENT, RUNNERS, call, forms

QUICK = ("nbrucio run nb.ipynb out.ipynb", NBCLIENT, "papermill nb.ipynb out.ipynb")
#: What the wrapper does, as views of LCG releases do: it sets the path of modules anew.
WRAPPER = '#!/bin/sh\nexport PYTHONPATH=/cvmfs/view\nexec {python} -m ipykernel_launcher -f "$1"\n'


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has what this one has, but for nbrucio."""
    folder = tmp_path_factory.mktemp("foreign")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    theirs = next(folder.glob("lib/python*/site-packages"))
    for path in Path(site.getsitepackages()[0]).iterdir():
        if "nbrucio" not in path.name and path.suffix != ".pth":
            (theirs / path.name).symlink_to(path)
    return folder / "bin" / "python"


def foreign(shell: Shell, name: str, argv: list[str]) -> dict[str, Any]:
    """Install a kernel; returns what a notebook says of it."""
    folder = shell.folder / "share/kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": name, "language": "python"}))
    shell.env["JUPYTER_PATH"] = str(shell.folder / "share")
    return {"kernelspec": {"display_name": name, "language": "python", "name": name}}


@pytest.mark.parametrize(
    "runner", [pytest.param(each, marks=() if each in QUICK else pytest.mark.world) for each in RUNNERS]
)
def test_a_kernel_behind_a_script_has_every_form_of_use(
    shell: Shell, small: dict[str, Any], python: Path, runner: str
) -> None:
    wrapper = shell.folder / "start-kernel"
    wrapper.write_text(WRAPPER.format(python=python))
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    metadata = foreign(shell, "view", [str(wrapper), "{connection_file}"])
    code = (f"import sys; assert sys.prefix == {str(python.parents[1])!r}", *forms(small))
    path = shell.notebook({**small, "bind": True}, code=code, **metadata)
    done = call(shell, runner, path)
    assert done.exit_code == 0, done.told
    assert (shell.folder / "found").read_text() == "3 3 3 3 3\n"


def test_an_isolated_python_has_every_form_of_use(shell: Shell, small: dict[str, Any], python: Path) -> None:
    metadata = foreign(shell, "isolated", [str(python), "-I", "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    done = call(shell, QUICK[0], shell.notebook({**small, "bind": True}, code=forms(small), **metadata))
    assert done.exit_code == 0, done.told
    assert (shell.folder / "found").read_text() == "3 3 3 3 3\n"
