"""nbrucio with rucio-clients from 35.0.0 to the newest: in PYTHONPATH, in the user's packages, beside an extension."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.sandbox import Sandbox, seed
from tests.support.clients import ROOT, install_clients, pip, python_without_clients
from tests.support.jupyter_server import base_environment, notebook, serve

pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]

OLDEST, IN_STACKS, NEWEST = "35.0.0", "35.8.0", "41.5.1"
_MAIN = "import sys; from nbrucio_cli import main; sys.exit(main())"

Install = Callable[[str], Path]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Install:
    """Installs a version of rucio-clients, once."""
    folder = tmp_path_factory.mktemp("clients")

    def install(version: str) -> Path:
        target = folder / version.replace(".", "-")
        return target if target.exists() else install_clients(target, version)

    return install


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python whose environment has no rucio-clients."""
    return python_without_clients(tmp_path_factory.mktemp("bare") / "venv")


class Command:
    """``nbrucio`` of a Python, with a home of its own, configured for the sandbox."""

    def __init__(self, python: Path, folder: Path, sandbox: Sandbox, **env: str) -> None:
        self.folder = folder
        self._python = python
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NBRUCIO_STORE": str(folder / "store"),
            "NBRUCIO_RUNTIME_DIR": str(folder / "runtime"),
            **sandbox.env(),
            **env,
        }

    def __call__(self, *words: object) -> str:
        done = subprocess.run(
            [self._python, "-c", _MAIN, *map(str, words)],
            env=self._env, cwd=self.folder, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def works(self, sandbox: Sandbox) -> None:
        """Log in, sync, stage and upload."""
        own = uuid.uuid4().hex[:8]
        with sandbox.admin() as client:
            file = seed.add_file(client, "sandbox", f"versions/{own}", b"content", ["SANDBOX_HTTPS", "SANDBOX_POSIX"])
        path = self.folder / "nb.ipynb"
        declared = {"version": 1, "requirements": [{"did": str(file), "handle": "data"}]}
        path.write_text(json.dumps(notebook(metadata={"nbrucio": declared})))
        assert "1 file" in self("sync", path)
        assert "ready" in self("status", path)
        self("stage", path, "data")
        assert str(file) in self("show", file)
        for number, rse in enumerate(("SANDBOX_SCRATCHDISK", "SANDBOX_HTTPS_SCRATCHDISK")):
            sent = self.folder / f"{own}.{number}"
            sent.write_bytes(b"sent")
            self("upload", sent, "--rse", rse, "--scope", "user.sandbox", "--dataset", f"versions.{own}.{number}")
            with sandbox.client() as client:
                rows = list(client.list_files("user.sandbox", f"versions.{own}.{number}"))
            assert [row["name"] for row in rows] == [sent.name]


@pytest.mark.parametrize("version", [OLDEST, IN_STACKS, NEWEST])
def test_a_rucio_clients_of_pythonpath_serves_where_there_is_no_other(
    version: str, installed: Install, bare: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    Command(bare, tmp_path, sandbox, PYTHONPATH=str(installed(version))).works(sandbox)


@pytest.mark.parametrize("version", [OLDEST, IN_STACKS, NEWEST])
def test_an_ssh_key_logs_in_with_each_version(
    version: str, installed: Install, bare: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-m", "PEM", "-C", "", "-f", key], check=True)
    with sandbox.admin() as client:
        client.add_identity("sandbox", key.with_suffix(".pub").read_text().strip(), authtype="SSH", email="s@localhost")
    config = tmp_path / "config.toml"
    config.write_text(
        f'default_instance = "keyed"\n[instances.keyed]\nhost = "{sandbox.status().server_url}"\nauth_type = "ssh"\n'
        f'account = "sandbox"\nssh_private_key = "{key}"\n'
    )
    command = Command(bare, tmp_path, sandbox, PYTHONPATH=str(installed(version)), NBRUCIO_CONFIG=str(config))
    assert "sandbox:dimuon" in command("search", "sandbox:dimuon")


def test_without_any_rucio_clients_only_uploads_need_one(bare: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    command = Command(bare, tmp_path, sandbox)
    assert "sandbox:dimuon" in command("search", "sandbox:dimuon")
    (tmp_path / "a.dat").write_bytes(b"a")
    with pytest.raises(AssertionError, match="need rucio-clients, which is not installed"):
        command("upload", "a.dat", "--rse", "SANDBOX_SCRATCHDISK", "--scope", "user.sandbox")


def test_a_command_line_whose_pythonpath_begins_with_an_old_one(
    installed: Install, sandbox: Sandbox, tmp_path: Path
) -> None:
    folders = (installed(IN_STACKS), ROOT, ROOT / "cli", ROOT / "schemas")
    pythonpath = os.pathsep.join(map(str, folders))
    Command(Path(sys.executable), tmp_path, sandbox, PYTHONPATH=pythonpath).works(sandbox)


def test_pip_install_user_with_an_old_one_first(installed: Install, sandbox: Sandbox, tmp_path: Path) -> None:
    python = Path(sys.base_prefix) / "bin" / "python3"
    user = {"PYTHONUSERBASE": str(tmp_path / "user"), "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    pip(python, "install", "--user", ROOT, env=user)
    environ = {"PYTHONPATH": str(installed(IN_STACKS)), "PYTHONUSERBASE": user["PYTHONUSERBASE"]}
    Command(python, tmp_path, sandbox, **environ).works(sandbox)


_EXTENSION = """
import rucio.client, rucio.version

def _load_jupyter_server_extension(app):
    assert rucio.version.version_string() == "35.8.0"
    app.log.warning("loaded rucio-clients %s", rucio.version.version_string())
"""


def test_a_jupyter_server_beside_an_extension_that_loaded_an_old_one(
    installed: Install, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "old_clients.py").write_text(_EXTENSION)
    own = uuid.uuid4().hex[:8]
    with sandbox.admin() as client:
        file = seed.add_file(client, "sandbox", f"versions/{own}", b"content", ["SANDBOX_HTTPS", "SANDBOX_POSIX"])
    folders = (installed(IN_STACKS), tmp_path / "beside", ROOT, ROOT / "cli", ROOT / "schemas")
    environ = base_environment(tmp_path) | dict(sandbox.env()) | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
    with serve(tmp_path, environ, extensions={"old_clients": True}) as server:
        declared = {"version": 1, "requirements": [{"did": str(file), "handle": "data"}]}
        (server.root / "nb.ipynb").write_text(json.dumps(notebook(metadata={"nbrucio": declared})))
        assert server.sync("nb.ipynb")["state"] == "done", server.log.read_text()
        (server.root / f"{own}.dat").write_bytes(b"sent")
        target = {"rse": "SANDBOX_SCRATCHDISK", "scope": "user.sandbox", "dataset": f"server.{own}"}
        status, job = server.ask("nbrucio/uploads", {"paths": [f"{own}.dat"], **target})
        assert status == 202, job
        end = time.monotonic() + 120
        while (found := server.ask(f"nbrucio/uploads?id={job['id']}")[1])["state"] not in ("done", "failed"):
            assert time.monotonic() < end, found
            time.sleep(0.1)
        assert found["state"] == "done", found
        assert "loaded rucio-clients 35.8.0" in server.log.read_text()
    with sandbox.client() as client:
        assert [row["name"] for row in client.list_files("user.sandbox", f"server.{own}")] == [f"{own}.dat"]
