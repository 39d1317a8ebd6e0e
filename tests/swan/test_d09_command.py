"""D9: the command line works in the terminals and kernels of a session, whatever another Python's variables say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from nbrucio.version import __version__
from tests.swan.conftest import DEPLOYED


def test_d9_the_wrapper_survives_the_variables_of_another_python(tmp_path: Path) -> None:
    wrapper = tmp_path / "nbrucio"
    text = (DEPLOYED / "nbrucio").read_text("utf-8")
    assert "/opt/conda/bin/python3 " in text
    assert len(text.splitlines()) == 2
    wrapper.write_text(text.replace("/opt/conda/bin/python3", sys.executable))
    wrapper.chmod(0o755)
    poisoned = tmp_path / "poisoned"
    poisoned.mkdir()
    for name in ("click", "json", "nbrucio"):
        (poisoned / f"{name}.py").write_text("raise SystemExit('built for another Python')\n")
    view = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONHOME": str(tmp_path), "PYTHONPATH": str(poisoned)}
    done = subprocess.run([wrapper, "--version"], cwd=poisoned, env=view, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"nbrucio {__version__}\n"), done.stderr
    plain = subprocess.run([sys.executable, "-c", ""], env=view, capture_output=True, text=True, check=False)
    assert plain.returncode != 0  # as the console script that pip makes
