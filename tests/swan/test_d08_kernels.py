"""D8, D9: kernels and commands of other Pythons than the server's get the data of the same manifest."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.jupyter.test_other_kernels import documented
from tests.support import interpreters
from tests.support.jupyter_server import Server, declaring
from tests.support.programs import need
from tests.swan.conftest import DEPLOYED
from tests.swan.lcg_view import View
from tests.swan.packages import pip
from tests.swan.session import Session

pytestmark = pytest.mark.world

CELL = "import nbrucio\nprint(len(nbrucio.data['growing']), 'files', nbrucio.data['growing'][0])"
VERSIONS = [version for version in ("3.9", "3.12", "3.13") if interpreters.find(version)]


@pytest.fixture(scope="module", params=VERSIONS)
def view(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> View:
    """An LCG-like view of another Python."""
    return View.make(tmp_path_factory.mktemp("view"), request.param)


def _declare(server: Server, name: str = "a.ipynb") -> None:
    (server.root / name).write_text(json.dumps(declaring(CELL, growing="sandbox:growing", mounted="sandbox:mounted")))


@pytest.mark.parametrize("swan_python", ["pinned"], indirect=True)
def test_d8_a_kernel_of_an_lcg_view_reads_its_data(view: View, session: Session) -> None:
    # With SWAN's cleaner of sys.path loaded last, and 3.11's compiled packages on PYTHONPATH.
    poisoned = session.folder / "poisoned"
    (poisoned / "rpds").mkdir(parents=True)
    (poisoned / "rpds" / "__init__.py").write_text("raise ImportError('built for Python 3.11')\n")
    profile = session.local / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text("c.InteractiveShellApp.extensions.append('swankernelenv')\n")
    (site,) = (session.python.parents[1] / "lib").glob("python*/site-packages")
    (poisoned / "swankernelenv").symlink_to(site / "swankernelenv")
    view.add_kernel(session, "lcg", before=(poisoned,))
    with session.running() as server:
        _declare(server)
        with server.kernel("a.ipynb", "lcg") as kernel:
            version = kernel.run("import sys; print(sys.version_info[:2])").text
            assert version == f"({view.version.replace('.', ', ')})\n"
            server.sync("a.ipynb")
            output = kernel.run(CELL)
            assert "2 files" in output.text, output
            kernel.restart()
            assert "2 files" in kernel.run(CELL).text
            server.rename("a.ipynb", "b.ipynb")
            assert "2 files" in kernel.run(CELL).text


@pytest.mark.parametrize("swan_python", ["pinned"], indirect=True)
def test_d9_the_command_in_a_view_reports_what_the_kernel_has(view: View, session: Session) -> None:
    wrapper = session.folder / "bin" / "nbrucio"
    wrapper.parent.mkdir()
    wrapper.write_text((DEPLOYED / "nbrucio").read_text().replace("/opt/conda/bin/python3", str(session.python)))
    wrapper.chmod(0o755)
    view.add_kernel(session, "lcg")
    with session.running() as server:
        _declare(server)
        server.sync("a.ipynb")
        with server.kernel("a.ipynb", "lcg") as kernel:
            inside = kernel.run("import nbrucio; print(*nbrucio.data['growing'])").text.split()
            cell = (
                "import subprocess\ndone = subprocess.run([{!r}, 'paths', 'a.ipynb', 'growing'], capture_output=True,"
                " text=True)\nprint(done.stdout, done.stderr)"
            )
            assert kernel.run(cell.format(str(wrapper))).text.split() == inside
            status = kernel.run(
                cell.replace("'paths', 'a.ipynb', 'growing'", "'status', 'a.ipynb'").format(str(wrapper))
            )
            assert "2 of 2 ready" in status.text


def test_d8_a_custom_environment_gets_its_data(session: Session) -> None:
    # SWAN makes a venv whose kernel.json has PATH alone, and no view.
    python = session.folder / "env" / "bin" / "python"
    version = VERSIONS[-1] if VERSIONS else interpreters.RUNNING
    subprocess.run([interpreters.get(version), "-m", "venv", python.parents[1]], check=True)
    pip(python, "ipykernel==6.29.5")
    spec = session.local / "data" / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    env = {"PATH": f"{python.parent}:/usr/bin:/bin"}
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "env", "language": "python", "env": env})
    )
    with session.running() as server:
        _declare(server)
        server.sync("a.ipynb")
        with server.kernel("a.ipynb") as kernel:
            assert str(python) in kernel.run("import sys; print(sys.executable)").text
            assert "2 files" in kernel.run(CELL).text


@pytest.mark.parametrize("swan_python", ["pinned"], indirect=True)
def test_d8_an_r_kernel_reads_its_data(session: Session) -> None:
    # SWAN copies the kernelspecs of R, C++, Octave and Julia from the view, and each has the environment of the start.
    need("R")
    spec = session.local / "data" / "kernels" / "ir"
    spec.mkdir(parents=True)
    argv = ["R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"]
    value = {"argv": argv, "display_name": "R", "language": "R", "env": session.env}
    (spec / "kernel.json").write_text(json.dumps(value))
    with session.running() as server:
        _declare(server)
        with server.kernel("a.ipynb", "ir") as kernel:
            server.sync("a.ipynb")
            kernel.run(documented("r").replace('paths <- nbrucio("muons")', ""))
            read = "cat(length(nbrucio('growing')), all(file.exists(nbrucio('growing'))))"
            assert kernel.run(read).text == "2 TRUE"
            kernel.restart()
            kernel.run(documented("r").replace('paths <- nbrucio("muons")', ""))
            assert kernel.run(read).text == "2 TRUE"


def test_d8_a_notebook_of_a_shared_folder_gets_its_data(session: Session) -> None:
    # The API path swan_sharing_folder/<owner>/… lies outside the user's home.
    shared = session.folder / "eos" / "user" / "o" / "owner" / "SWAN_projects" / "shared"
    shared.mkdir(parents=True)
    (shared / "s.ipynb").write_text(json.dumps(declaring(CELL, growing="sandbox:growing")))
    with session.running() as server:
        path = "swan_sharing_folder/owner/shared/s.ipynb"
        assert server.ask(f"api/contents/{path}?type=notebook&content=1")[0] == 200
        assert server.ask("nbrucio/sync", {"path": path})[0] == 202
        body = {"path": path, "type": "notebook", "name": "s.ipynb", "kernel": {"name": "python3"}}
        status, made = server.ask("api/sessions", body)
        assert status == 201, made
        with server.client(made["kernel"]["id"]) as kernel:
            assert "2 files" in kernel.run(CELL).text
