"""Verbs that are typed without the notebook that they need."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from nbrucio_cli.app import root

_GROUP = click.Context(root)
#: Verbs that need one notebook or several.
NEED = [
    name
    for name in root.list_commands(_GROUP)
    for one in (root.get_command(_GROUP, name) or root).params
    if isinstance(one, click.Argument) and one.required and one.name in ("notebook", "notebooks") and name != "diff"
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "other.ipynb").touch()
    (tmp_path / "helper.py").write_text("print(1)\n")
    return tmp_path


def words(*args: str) -> str:
    result = CliRunner().invoke(root, args, prog_name="nbrucio")
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize("verb", NEED)
def test_a_verb_without_a_notebook_says_what_to_type(folder: Path, verb: str) -> None:
    assert words(verb).endswith("There is no notebook in this folder. `nbrucio init analysis.ipynb` creates one.")
    (folder / "my muons.ipynb").touch()
    assert f"This folder has one notebook: `nbrucio {verb} 'my muons.ipynb'" in words(verb)


def test_of_several_notebooks_none_is_chosen(folder: Path) -> None:
    for number in range(7):
        (folder / f"n{number}.ipynb").touch()
    several = "This folder has 7 notebooks: n0.ipynb, n1.ipynb, n2.ipynb, n3.ipynb, n4.ipynb and 2 more. Name one"
    assert words("sync").endswith(f"{several}, or all with those below: `nbrucio sync .`.")
    assert words("add").endswith(f"{several}, as in `nbrucio add n0.ipynb DID`.")
    assert words("remove").endswith("as in `nbrucio remove n0.ipynb HANDLE`.")


@pytest.mark.parametrize("verb", NEED)
def test_an_empty_name_is_not_the_folder(folder: Path, verb: str) -> None:
    (folder / "nb.ipynb").touch()
    assert words(verb, "", *(["sandbox:x"] if verb in ("add", "remove") else [])).endswith(
        "The name of the notebook is empty."
    )
    assert sorted(path.name for path in folder.iterdir()) == ["below", "helper.py", "nb.ipynb"]


@pytest.mark.parametrize(
    ("verb", "noun"),
    [
        (["upload", "--rse", "A", "--scope", "b", ""], "file"),
        (["diff", "nb.ipynb", ""], "notebook"),
        (["doctor", ""], "notebook"),
        (["login", "--for", ""], "notebook"),
        (["stage", "nb.ipynb", ""], "notebook or of a handle"),
        (["sync", "nb.ipynb", "--links", ""], "folder"),
        (["config", "check", ""], "file"),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_an_empty_name_elsewhere_is_refused(folder: Path, verb: list[str], noun: str) -> None:
    (folder / "nb.ipynb").touch()
    assert re.search(f"The name of (the|a) {noun} is empty", words(*verb))
