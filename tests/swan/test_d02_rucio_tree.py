"""D2: SWAN's environment without nbrucio's libraries, and with an old rucio-clients and Jupyter first on PYTHONPATH."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import declaring, notebook
from tests.swan.packages import RUCIO_TREE, install, install_nbrucio, pip
from tests.swan.session import Session

pytestmark = pytest.mark.world

COMMAND = """
import subprocess
done = subprocess.run({}, capture_output=True, text=True)
print(f"exit code {{done.returncode}}", done.stdout, done.stderr, sep="\\n")
"""
READS = "import nbrucio\nprint(len(nbrucio.data['mounted']), 'files')"


@pytest.fixture(scope="module")
def bare_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SWAN's environment with nbrucio and none of the libraries that nbrucio needs beside it."""
    python = install(tmp_path_factory.mktemp("bare") / "venv", pinned=True)
    install_nbrucio(python, wheel, libraries=False)
    return python


@pytest.fixture(scope="module")
def rucio_tree(bare_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a Rucio session has on CVMFS: rucio-jupyterlab with all that it needs."""
    folder = tmp_path_factory.mktemp("cvmfs")
    pip(bare_python, "--target", str(folder), *RUCIO_TREE)
    return folder


def test_d2_the_extension_loads_and_names_what_is_missing(bare_python: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    session = Session(tmp_path / "session", bare_python, sandbox)
    with session.running() as server:
        saved = server.save("a.ipynb", notebook("import nbrucio\nnbrucio.data('sandbox:mounted')"))
        assert [one["did"] for one in saved["metadata"]["nbrucio"]["requirements"]] == ["sandbox:mounted"]
        server.open("a.ipynb")
        ended = server.sync("a.ipynb")
        assert "bug" not in json.dumps(ended), ended
    log = server.log.read_text()
    (line,) = [line for line in log.splitlines() if "libraries are not installed" in line]
    assert {"click", "filelock", "pycurl", "rich"} <= set(line.replace(",", " ").replace(".", " ").split())
    assert "Traceback" not in log


@pytest.mark.parametrize("swan_python", ["pinned"], indirect=True)
def test_d2_login_sync_and_stage_with_an_old_rucio_clients_first_on_the_path(
    session: Session, rucio_tree: Path
) -> None:
    with session.running(PYTHONPATH=str(rucio_tree)) as server:
        content = declaring(READS, growing="sandbox:growing", mounted="sandbox:mounted")
        (server.root / "a.ipynb").write_text(json.dumps(content))
        assert server.sync("a.ipynb")["requirements"] == {"growing": "ready", "mounted": "ready"}
        with server.kernel("a.ipynb") as kernel:
            assert "2 files" in kernel.run(READS).text
            version = kernel.run("import rucio.vcsversion as v; print(v.VERSION_INFO['version'], v.__file__)").text
            assert version.startswith("35.8.0 ")
            for verb in (["whoami"], ["sync", "a.ipynb"], ["stage", "a.ipynb", "growing"], ["plan", "a.ipynb"]):
                output = kernel.run(COMMAND.format([str(session.python), "-m", "nbrucio_cli", *verb])).text
                assert output.startswith("exit code 0\n"), (verb, output)
                assert "Traceback" not in output, output
            listed = kernel.run(
                COMMAND.format([str(session.python), "-m", "nbrucio_cli", "stage", "a.ipynb", "--list"])
            )
            assert "sandbox:growing" in listed.text
    log = server.log.read_text()
    assert f"JupyterLab extension loaded from {rucio_tree}" in log
    assert "Traceback" not in log
