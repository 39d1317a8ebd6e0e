"""D10: `deploy/swan/15_nbrucio.sh`, which SWAN sources as root under ``set -e`` before the server starts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.swan.conftest import DEPLOYED

HOOK = DEPLOYED / "15_nbrucio.sh"
RUCIO = {"SWAN_USE_RUCIO": "true", "SWAN_RUCIO_INSTANCE": "escape", "SWAN_RUCIO_RSE": "CERN-EOSPILOT"}
LOG = '_log() { echo "log: $*" >&2; }\n'


def _start(script: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``script`` in bash as SWAN's start script does, in an empty home."""
    whole = {"PATH": os.environ["PATH"], "HOME": str(folder), "NB_USER": "tester", "NB_UID": "1234", **env}
    command = ["bash", "-c", f"set -e\n{script}"]
    return subprocess.run(command, cwd=folder, env=whole, capture_output=True, text=True, check=False, timeout=30)


def _variables(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line and "=()" not in line)


@pytest.mark.parametrize("prepared", [LOG, ""], ids=["SWAN's log", "no log"])
def test_d10_a_session_with_rucio_gets_one_runtime_folder(prepared: str, tmp_path: Path) -> None:
    done = _start(f"{prepared}source {HOOK}\nenv", tmp_path, RUCIO)
    assert _variables(done)["NBRUCIO_RUNTIME_DIR"] == "/tmp/nbrucio-1234"
    assert done.stderr.splitlines() == [
        f"{'log: ' if prepared else ''}nbrucio: Rucio instance escape, RSE CERN-EOSPILOT"
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("env", [{}, {"SWAN_USE_RUCIO": ""}, {"SWAN_USE_RUCIO": "false", "SWAN_RUCIO_RSE": "X"}])
def test_d10_a_session_without_rucio_is_unchanged(env: dict[str, str], tmp_path: Path) -> None:
    done = _start(f"source {HOOK}\nenv", tmp_path, env)
    assert not [name for name in _variables(done) if "NBRUCIO" in name]
    assert "nbrucio: skipped, because this session was started without Rucio" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_d10_it_can_be_sourced_again_and_leaves_no_function(tmp_path: Path) -> None:
    once = _start(f"source {HOOK}\nset", tmp_path, RUCIO)
    twice = _start(f"source {HOOK}\nsource {HOOK}\nset", tmp_path, RUCIO)
    changing = {"BASH_LINENO", "BASH_EXECUTION_STRING", "PPID", "_", "SECONDS", "RANDOM"}
    assert {k: v for k, v in _variables(once).items() if k not in changing} == {
        k: v for k, v in _variables(twice).items() if k not in changing
    }
    assert "nbrucio_log" not in once.stdout.replace(str(HOOK), "").partition("BASH_EXECUTION_STRING")[0]
    assert _start(f"source {HOOK}\ndeclare -F", tmp_path, RUCIO).stdout == ""


def test_d10_a_session_starts_where_nothing_is_set(tmp_path: Path) -> None:
    done = _start(f"set -u\nunset NB_UID NB_USER\nsource {HOOK}\necho started", tmp_path, {"SWAN_USE_RUCIO": "true"})
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert "instance not chosen, RSE not chosen" in done.stderr


def test_d10_it_is_sourced_from_a_folder_with_spaces_under_any_options(tmp_path: Path) -> None:
    folder = tmp_path / "before notebook.d"
    folder.mkdir()
    hook = shutil.copy(HOOK, folder / "15_nbrucio.sh")
    home = tmp_path / "a home"
    home.mkdir()
    env = RUCIO | {"HOME": str(home), "SWAN_RUCIO_INSTANCE": "my instance", "NB_UID": "", "NB_USER": "tester"}
    script = f"set -euo pipefail\nshopt -s nullglob\nIFS=,\nsource '{hook}'\nprintf '%s\\n' \"$NBRUCIO_RUNTIME_DIR\""
    done = _start(script, tmp_path, env)
    assert (done.returncode, done.stdout) == (0, "/tmp/nbrucio-tester\n"), done.stderr
    assert "Rucio instance my instance, RSE CERN-EOSPILOT" in done.stderr
    assert list(home.iterdir()) == []


def test_d10_it_never_ends_the_session_and_writes_nothing() -> None:
    code = re.sub(r"#.*", "", HOOK.read_text("utf-8"))
    assert not re.search(r"\b(exit|exec|mkdir|touch|chown|tee|cp|ln)\b|>(?!&2)", code)


@pytest.mark.parametrize("name", ["15_nbrucio.sh", "nbrucio"])
def test_d10_shellcheck_has_nothing_to_say(name: str) -> None:
    program = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([program, DEPLOYED / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
