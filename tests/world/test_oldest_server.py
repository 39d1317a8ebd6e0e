"""Today's nbrucio, and today's rucio-clients in its children, against a Rucio server of version 35.8.0."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clients import ROOT, pip
from tests.support.jupyter_server import notebook

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

VERSION = "35.8.0"  # the oldest whose server installs beside what the sandbox needs
NEEDED = (f"rucio=={VERSION}", "setuptools<80", "gunicorn", "wsgidav", "trustme", "awkward", "numpy", "uproot")
OURS = ("certifi", "click", "cryptography", "filelock", "jsonschema", "platformdirs", "pycurl", "rich", "zlib-ng")
#: What the sandbox does to today's Rucio, and names that Rucio's schema of then refuses.
LEFT_OUT = {
    "nbrucio/sandbox/rucio_app.py": ("    prepare()\n    if not", "    if not"),
    "nbrucio/sandbox/content.py": ("        _add_odd_names(client)\n", ""),
}
_START = """
import json, sys
from pathlib import Path
from nbrucio.sandbox import Sandbox
sandbox = Sandbox(Path(sys.argv[1]))
sandbox.start() if sys.argv[2] == "start" else sandbox.stop()
print(json.dumps(sandbox.env()) if sys.argv[2] == "start" else "")
"""


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables by which nbrucio finds a sandbox with a server of that version."""
    folder = tmp_path_factory.mktemp("oldest")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    (folder / "bounds.txt").write_text("setuptools<80\n")
    pip(python, "install", *NEEDED, *OURS, env={"PIP_CONSTRAINT": str(folder / "bounds.txt")})
    sources = folder / "sources"
    for name in ("nbrucio", "cli", "schemas"):
        shutil.copytree(ROOT / name, sources / name)
    for name, (text, instead) in LEFT_OUT.items():
        before = (sources / name).read_text()
        assert text in before, name
        (sources / name).write_text(before.replace(text, instead).replace("    _let_owners_remove_rules()", "    #"))
    path = os.pathsep.join(str(sources / name) for name in (".", "cli", "schemas"))

    def sandbox(act: str) -> str:
        command = [python, "-c", _START, folder / "sandbox", act]
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": path}
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield json.loads(sandbox("start"))
    sandbox("stop")


def test_the_oldest_server_serves_every_verb(environ: dict[str, str], tmp_path: Path) -> None:
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NBRUCIO_STORE": str(tmp_path / "store")}
    path = tmp_path / "nb.ipynb"
    requirements = [{"did": "sandbox:dimuon", "handle": "one"}, {"did": "sandbox:muons", "handle": "all"}]
    declared = {"version": 1, "requirements": requirements}
    path.write_text(json.dumps(notebook(metadata={"nbrucio": declared})))

    def nbrucio(*words: object) -> str:
        command = [sys.executable, "-m", "nbrucio_cli", *map(str, words)]
        runtime = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "runtime")}
        done = subprocess.run(
            command, env={**environ, **own, **runtime}, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    assert "2 of 2 ready" in nbrucio("sync", path)
    nbrucio("lock", path)
    assert "2 of 2 ready" in nbrucio("status", "--check", path)
    assert "sandbox:dimuon" in nbrucio("search", "sandbox:*", "--filter", "length>1")
    assert "4 of 4 files" in nbrucio("show", "sandbox:dimuon")
    nbrucio("stage", path, "one")
    assert "SANDBOX_MOUNT" in nbrucio("stage", "--list", path, "one")
    for number, rse in enumerate(("SANDBOX_SCRATCHDISK", "SANDBOX_HTTPS_SCRATCHDISK")):
        file = tmp_path / f"{uuid.uuid4().hex[:8]}.{number}"
        file.write_bytes(b"sent")
        dataset = f"oldest.{uuid.uuid4().hex[:8]}"
        nbrucio("upload", file, "--rse", rse, "--scope", "user.sandbox", "--dataset", dataset)
        assert "1 of 1 file" in nbrucio("show", f"user.sandbox:{dataset}")
