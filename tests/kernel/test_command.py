"""Hints name a command that works in the session, whoever prints them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nbrucio.errors import NbrucioError, find_programs_by, runnable_text
from nbrucio.kernel.command import own_command, words_for
from nbrucio.kernel.errors import DataNotHere, next_action
from nbrucio.version import __version__

ROOT = Path(__file__).parents[2]
OWN = shlex.join([sys.executable, "-I", "-m", "nbrucio"])
PIPS = f"#!{sys.executable}\nimport sys\n"
LONG = f"#!/bin/sh\n'''exec' {sys.executable} \"$0\" \"$@\"\n' '''\nimport sys\n"
SWANS = (ROOT / "deploy" / "swan" / "nbrucio").read_text("utf-8")
VIEW = {"ROOT_LCG_VIEW_PATH": "/cvmfs/sft.cern.ch/lcg/views"}


@pytest.mark.parametrize(
    ("script", "variables", "words"),
    [
        (None, {}, OWN),
        (PIPS, {}, "nbrucio"),
        (PIPS, VIEW, OWN),
        (LONG, VIEW, OWN),
        (PIPS, {"PYTHONHOME": "/another"}, OWN),
        (SWANS, VIEW | {"PYTHONHOME": "/another"}, "nbrucio"),
        (None, {"NBRUCIO_COMMAND": "/opt/python -I -m nbrucio"}, "/opt/python -I -m nbrucio"),
    ],
)
def test_the_script_is_named_where_it_starts(
    tmp_path: Path, script: str | None, variables: dict[str, str], words: str
) -> None:
    if script is not None:
        (tmp_path / "nbrucio").write_text(script)
        (tmp_path / "nbrucio").chmod(0o755)
    environ = {"PATH": str(tmp_path), **variables}
    assert words_for("nbrucio", environ) == words
    error = DataNotHere("It is missing.", None, "nbrucio sync a.ipynb")
    assert next_action(error, environ) == [f"Run: {words} sync a.ipynb"]
    in_jupyter = next_action(error, environ | {"NBRUCIO_MANIFEST": "/x"})
    assert in_jupyter == [f"Press Sync in the panel Data (Rucio), or run in a cell: !{words} sync a.ipynb"]


def test_the_command_of_this_python_works_with_the_variables_of_another(tmp_path: Path) -> None:
    (tmp_path / "nbrucio.py").write_text("raise SystemExit('not the one')\n")
    variables = {"PYTHONHOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    command = [*shlex.split(own_command(variables)), "--version"]
    env = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"nbrucio {__version__}\n"), done.stderr


def test_a_nbrucio_that_is_found_by_pythonpath_only_is_not_hidden() -> None:
    assert own_command({"PYTHONPATH": f"/other:{ROOT}"}) == shlex.join([sys.executable, "-m", "nbrucio"])


def test_a_command_of_a_program_that_is_not_installed_is_not_suggested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    find_programs_by(words_for)
    try:
        error = NbrucioError("A rule is stuck.", hint="Run `nbrucio stage`.", next_command="rucio rule show 1")
        assert (error.command_here, error.as_json()["next_command"]) == (None, None)
        assert error.hint_here == f"Run `{OWN} stage`."
        assert runnable_text("`nbrucio` and `nbrucio x`") == f"`nbrucio` and `{OWN} x`"
        (tmp_path / "rucio").touch(mode=0o755)
        assert error.command_here == "rucio rule show 1"
        assert NbrucioError("", next_command="chmod 600 x").command_here == "chmod 600 x"
    finally:
        find_programs_by(lambda name: name)
    assert next_action(DataNotHere("x", None, "rucio rule show 1"), {"PATH": "/"}) == []
