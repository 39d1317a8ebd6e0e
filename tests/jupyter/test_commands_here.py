"""Server, kernel and terminal of one session suggest the same command, and it works."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.jupyter.conftest import Start
from tests.support.jupyter_server import declaring

OWN = shlex.join([sys.executable, "-I", "-m", "nbrucio"])
CELL = "import nbrucio\nnbrucio.data['lost']"


def test_server_kernel_and_terminal_suggest_the_same_command(start: Start, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    content, search = declaring(CELL, lost="sandbox:no.such.data"), f"{OWN} search 'sandbox:*'"
    with start(PATH=f"{empty}:/usr/bin:/bin") as server:
        (server.root / "a.ipynb").write_text(json.dumps(content))
        (error,) = server.sync("a.ipynb")["errors"]["lost"]
        assert error["next_command"] == search
        with server.kernel("a.ipynb") as kernel:
            shown = kernel.run(CELL)
        assert f"or run in a cell: !{search}" in "\n".join(shown.traceback)
        environ = Path(f"/proc/{server.process.pid}/environ").read_bytes().decode()
        env = dict(line.split("=", 1) for line in environ.split("\0") if "=" in line)
    words = [*shlex.split(OWN), "sync", str(server.root / "a.ipynb")]
    done = subprocess.run(words, cwd=empty, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert f"next: {search}" in done.stderr
    assert os.fspath(empty) in env["PATH"]
