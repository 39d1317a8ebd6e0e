"""One environment variable brings data to tools that take no hook: papermill, jupyter execute, nbconvert."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import base_environment, declaring

TOOLS = {
    "papermill": ["papermill", "a.ipynb", "out.ipynb"],
    "jupyter execute": ["jupyter", "execute", "a.ipynb", "--output=out"],
    "nbconvert": ["jupyter", "nbconvert", "--to", "notebook", "--execute", "a.ipynb", "--output", "out"],
}
READ = "import nbrucio\nprint(len(nbrucio.data['dimuon']), 'files')"


def run(tool: str, folder: Path, sandbox: Sandbox) -> subprocess.CompletedProcess[str]:
    environment = base_environment(folder) | dict(sandbox.env())
    environment["JUPYTER_DEFAULT_PROVISIONER_NAME"] = "nbrucio-provisioner"
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.run(
        TOOLS[tool], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_without_hooks_gets_its_data(tool: str, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps(declaring("1 + 1", READ, dimuon="sandbox:dimuon")))
    done = run(tool, tmp_path, sandbox)
    assert done.returncode == 0, done.stderr
    outputs = json.loads((tmp_path / "out.ipynb").read_text())["cells"][-1]["outputs"]
    assert ["".join(one["text"]) for one in outputs if one["output_type"] == "stream"] == ["4 files\n"]


def test_a_missing_did_stops_the_run_with_the_reason(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps(declaring("print('ran')\n" + READ, dimuon="sandbox:no-such-thing")))
    done = run("papermill", tmp_path, sandbox)
    assert done.returncode == 1
    assert "DataNotReady" in done.stderr
    assert "no-such-thing" in done.stderr
    assert "The cell was not run." in done.stderr
