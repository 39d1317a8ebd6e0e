"""Text notebooks in every verb."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.runners.conftest import READ, Shell, printed, value_of


@pytest.mark.parametrize(("name", "cell"), [("nb.py", f"# %%\n{READ}\n"), ("nb.md", f"```python\n{READ}\n```\n")])
def test_the_main_job_on_text(shell: Shell, small: dict[str, Any], name: str, cell: str) -> None:
    path = shell.folder / name
    assert shell("nbrucio", "init", name).exit_code == 0
    path.write_text(path.read_text() + "\n" + cell)
    added = shell("nbrucio", "add", name, small["did"], "--as", "small")
    assert (added.exit_code, added.err) == (0, "Asking sandbox.localhost for the files of sandbox:runners\n")
    assert shell("nbrucio", "sync", name).exit_code == 0
    assert "ready" in shell("nbrucio", "status", ".").out
    assert len(shell("nbrucio", "paths", name).out.splitlines()) == 3
    assert shell("nbrucio", "remove", name, "small").exit_code == 0
    assert path.read_text().endswith(cell)


def test_a_text_notebook_is_executed(shell: Shell, small: dict[str, Any]) -> None:
    declared = json.dumps({"version": 1, "requirements": [small]})
    (shell.folder / "nb.py").write_text(f"# ---\n# jupyter:\n#   nbrucio: {declared}\n# ---\n\n# %%\n{READ}\n")
    run = shell("nbrucio", "run", "nb.py", "out.ipynb", "-q")
    assert (run.exit_code, printed(shell.folder / "out.ipynb")) == (0, "read 15000\n"), run.err
    assert value_of(shell.folder / "out.ipynb")["read"]["data"]["small"]["files"] == 3


def test_a_folder_takes_a_pair_once_and_leaves_other_scripts_alone(shell: Shell, small: dict[str, Any]) -> None:
    shell.notebook(small, name="pair.ipynb")
    header = '# ---\n# jupyter:\n#   nbrucio: {"requirements": []}\n# ---\n'
    for name in ("pair.py", "alone.py"):
        (shell.folder / name).write_text(header)
    (shell.folder / "script.py").write_text("print('nbrucio:')\n")
    done = shell("nbrucio", "status", ".")
    assert [line for line in done.out.splitlines() if line.endswith((".py", ".ipynb")) and " " not in line] == [
        "alone.py",
        "pair.ipynb",
    ]


@pytest.fixture
def pair(shell: Shell, small: dict[str, Any]) -> str:
    """The ``.ipynb`` of a pair, which alone declares data."""
    shell.notebook(small, name="pair.ipynb")
    paired = shell("jupytext", "--set-formats", "ipynb,py:percent", "pair.ipynb")
    assert paired.exit_code == 0, paired.err
    return "pair.ipynb"


@pytest.mark.parametrize("verb", ["add", "init", "lock", "sync", "status", "run"])
def test_the_text_of_a_pair_leaves_the_declaration_to_the_ipynb(shell: Shell, pair: str, verb: str) -> None:
    before = (shell.folder / "pair.py").read_bytes()
    refused = shell("nbrucio", verb, "pair.py", *(["sandbox:mounted"] if verb == "add" else []))
    assert refused.exit_code == 2
    assert refused.err.startswith("error: pair.py is the text of pair.ipynb, which has the declaration.\n")
    assert refused.err.endswith("next: nbrucio status pair.ipynb\n")
    assert (shell.folder / "pair.py").read_bytes() == before
    assert shell("nbrucio", "add", pair, "sandbox:mounted").exit_code == 0
    assert shell("jupytext", "--sync", pair).exit_code == 0
    assert len(value_of(shell.folder / pair)["requirements"]) == 2


def test_a_configuration_of_jupytext_in_python_is_not_run(shell: Shell, small: dict[str, Any]) -> None:
    shell.notebook(small, name="pair.ipynb")
    (shell.folder / "pair.py").write_text("# %%\nprint(1)\n")
    (shell.folder / ".jupytext.py").write_text("open('ran', 'w')\nc.formats = 'ipynb,py:percent'\n")
    assert shell("nbrucio", "status", "pair.py").exit_code == 0
    assert not (shell.folder / "ran").exists()


@pytest.mark.parametrize(("config", "is_pair"), [('formats = "ipynb,py:percent"', True), ("", False), ("=", False)])
def test_a_pair_may_be_configured(shell: Shell, small: dict[str, Any], config: str, is_pair: bool) -> None:
    shell.notebook(small, name="pair.ipynb")
    (shell.folder / "pair.py").write_text("# %%\nprint(1)\n")
    (shell.folder / "jupytext.toml").write_text(config)
    done = shell("nbrucio", "status", "pair.py")
    assert ("which has the declaration" in done.err) == is_pair


def test_a_text_that_declares_with_its_ipynb_is_edited(shell: Shell, pair: str) -> None:
    (shell.folder / "jupytext.toml").write_text('notebook_metadata_filter = "nbrucio"\n')
    assert shell("jupytext", "--to", "py:percent", pair).exit_code == 0
    assert shell("nbrucio", "add", "pair.py", "sandbox:mounted").exit_code == 0
    assert shell("jupytext", "--sync", pair).exit_code == 0
    assert len(value_of(shell.folder / pair)["requirements"]) == 2


def test_the_configuration_of_jupytext_pairs_files_and_a_name_alone_does_not(
    shell: Shell, small: dict[str, Any]
) -> None:
    shell.notebook(small, name="nb.ipynb")
    (shell.folder / "nb.py").write_text("# %%\nprint()\n")
    assert shell("nbrucio", "status", "nb.py").exit_code == 0
    (shell.folder / "jupytext.toml").write_text('formats = "ipynb,md"\n')
    assert shell("nbrucio", "status", "nb.py").exit_code == 0
    (shell.folder / "jupytext.toml").write_text('formats = "ipynb,py:percent"\n')
    assert shell("nbrucio", "status", "nb.py").exit_code == 2
