"""How a kernel finds its notebook and its manifest."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nbrucio.kernel import Data, where
from nbrucio.pipeline.manifest_files import write
from tests.support.manifests import local_entry, of


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "nb.ipynb"
    path.write_text("{}")
    return path


@pytest.mark.parametrize("variable", ["NBRUCIO_NOTEBOOK", "JPY_SESSION_NAME"])
def test_the_notebook_is_taken_from_the_environment(notebook: Path, variable: str) -> None:
    assert where.find_notebook({variable: str(notebook)}, {}) == notebook


@pytest.mark.parametrize("name", ["UP.IPYNB", "up.Ipynb", "up.PY", "up.RMD"])
def test_the_case_of_a_suffix_does_not_matter(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    assert where.find_notebook({"NBRUCIO_NOTEBOOK": str(path)}, {}) == path


@pytest.mark.parametrize("variable", ["__vsc_ipynb_file__", "PAPERMILL_INPUT_PATH"])
def test_the_notebook_is_taken_from_the_variables_of_the_session(notebook: Path, variable: str) -> None:
    assert where.find_notebook({}, {variable: str(notebook)}) == notebook


@pytest.mark.parametrize(
    "name",
    [
        "6f1c9a3e-1b7d-4f0e-9d55-2f3b1c0a7e11",
        "Untitled.ipynb",
        "",
        "nb.txt",
        "/renamed/since.ipynb",
        "a\0.ipynb",
        "a" * 5000 + ".ipynb",
    ],
)
def test_a_session_name_that_is_no_notebook_here_is_passed_over(name: str, notebook: Path) -> None:
    assert where.find_notebook({"JPY_SESSION_NAME": name}, {"PAPERMILL_INPUT_PATH": str(notebook)}) == notebook


def test_what_was_said_on_purpose_beats_what_a_client_left(notebook: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.ipynb"
    other.touch()
    told = {"NBRUCIO_NOTEBOOK": str(notebook), "JPY_SESSION_NAME": str(other)}
    assert where.find_notebook(told, {"__vsc_ipynb_file__": str(other)}) == notebook


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["papermill", "nb.ipynb", "out.ipynb"], True),
        (["jupyter-execute", "nb.ipynb"], True),
        (["nbconvert", "--execute", "nb.ipynb", "out.ipynb"], False),
        (["nbconvert", "--execute", "*.ipynb"], False),
    ],
)
def test_the_parents_command_line_is_used_when_it_leaves_no_doubt(
    notebook: Path, words: list[str], found: bool
) -> None:
    (notebook.parent / "out.ipynb").touch()
    tool = notebook.parent / words[0]
    ask = "import sys; from nbrucio.kernel import where; print(where.find_notebook({}, {}))"
    tool.write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {ask!r}], check=True)\n")
    done = subprocess.run(
        [sys.executable, str(tool), *words[1:]], cwd=notebook.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (str(notebook) if found else "None")


def test_the_newest_of_several_manifests_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal often has an XDG_RUNTIME_DIR where the kernel has none, or the other way round."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    xdg = {"XDG_RUNTIME_DIR": str(tmp_path / "xdg")}
    notebook = tmp_path / "nb.ipynb"
    old = write(of(notebook, local_entry(tmp_path, "one", "x")), xdg)
    os.utime(old, (1, 1))
    write(of(notebook, local_entry(tmp_path, "one", "x", "y")), {})
    assert len(Data(notebook, xdg)["one"]) == 2


def test_a_manifest_in_another_users_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}
    notebook = tmp_path / "nb.ipynb"
    path = write(of(notebook), environ)
    assert where.find_manifest(notebook, environ) == path
    monkeypatch.setattr(os, "getuid", lambda: (tmp_path / "run").stat().st_uid + 1)
    assert where.find_manifest(notebook, environ) is None
