"""A newcomer types what the README shows, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from nbrucio.sandbox import Sandbox

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
#: Needs an account at an experiment in the README; a dataset of the sandbox takes its place.
DATASET = "user.jdoe:dimuon.2012"


def test_the_first_lines_work_as_they_are_typed(sandbox: Sandbox, tmp_path: Path) -> None:
    commands, code = re.findall(r"```(?:console|python)\n(.*?)```", README, re.DOTALL)[:2]
    assert DATASET in commands
    folder = tmp_path / "empty"
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NBRUCIO_", "RUCIO_"))}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "NBRUCIO_STORE": str(tmp_path / "store"), "NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}
    env = {**kept, **sandbox.env(), **own, "NBRUCIO_GRANTS": str(tmp_path / "grants.json")}

    def typed(command: str) -> str:
        done = subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    outputs = [typed(line.removeprefix("$ ")) for line in commands.replace(DATASET, "sandbox:dimuon").splitlines()]
    assert "1 of 1 ready" in outputs[-1]
    (folder / "look.py").write_text(code + "print(len(events))\n", encoding="utf-8")
    assert typed("python look.py") == "400000\n"
