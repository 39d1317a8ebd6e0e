"""A session of SWAN on this machine: its packages, contents manager and folders, and a server that really runs."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.config import load
from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import TOKEN, Server

USER = "tester"
PROJECT = f"user/t/{USER}/SWAN_projects/p"
BOOT_S = 60.0
_CONFIG = """
c.ServerApp.contents_manager_class = "swancontents.filemanager.SwanEosFileManager"
c.ServerApp.root_dir = {root!r}
c.FileContentsManager.preferred_dir = {home!r}
c.ServerApp.base_url = "/user/tester/"
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.terminals_enabled = True
c.IdentityProvider.token = {token!r}
c.RucioConfig.instances = {rows!r}
c.RucioConfig.default_auth_type = "userpass"
"""


@dataclass
class Session:
    """The folders and the environment of one user's session.

    Attributes:
        folder: holds all of it: ``eos`` with the user's home, ``local`` for Jupyter's state, ``tmp``.
        python: of the environment with SWAN's packages.
        rucio: whether Rucio was chosen in the start form.
        more: further rows of `RucioConfig`.
        env: the environment of the server.
    """

    folder: Path
    python: Path
    sandbox: Sandbox
    rucio: bool = True
    more: tuple[Mapping[str, object], ...] = ()
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.project.mkdir(parents=True)
        for name in ("local/config", "local/data", "local/runtime", "local/ipython", "tmp"):
            (self.folder / name).mkdir(parents=True)
        self._configure()

    @property
    def home(self) -> Path:
        """The home, on EOS."""
        return self.folder / "eos" / "user" / "t" / USER

    @property
    def project(self) -> Path:
        """The folder of the notebooks."""
        return self.folder / "eos" / PROJECT

    @property
    def local(self) -> Path:
        """Jupyter's folders, which SWAN has on the local disk."""
        return self.folder / "local"

    def _configure(self) -> None:
        known = load(self.sandbox.env()).instance()
        (mount,) = known.mounts
        row = {
            "name": "sandbox",
            "display_name": "Sandbox",
            "rucio_base_url": known.host,
            "rucio_ca_cert": str(known.storage_ca),
            "mode": "download",
        }
        values = {
            "root": str(self.folder / "eos"),
            "home": str(self.home),
            "token": TOKEN,
            "rows": [row, *self.more] if self.rucio else [],
        }
        (self.local / "config" / "jupyter_server_config.py").write_text(_CONFIG.format(**values))
        login = {
            "identity": known.identity,
            "account": known.account,
            "username": known.credentials.username,
            "password": known.credentials.password,
            "storage_ca": str(known.storage_ca),
        }
        settings = self.home / ".local/lab/user-settings"
        (news := settings / "@jupyterlab/apputils-extension/notification.jupyterlab-settings").parent.mkdir(
            parents=True
        )
        news.write_text('{"fetchNews": "false", "checkForUpdates": false}')  # else toasts lie over the page
        own = self.home / ".config" / "nbrucio" / "config.toml"
        own.parent.mkdir(parents=True)
        own.touch(mode=0o600)
        lines = (f"{name} = {json.dumps(value)}" for name, value in login.items())
        own.write_text("[instances.sandbox]\n" + "\n".join(lines) + "\n")
        self.env = {
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "NB_USER": USER,
            "TMPDIR": str(self.folder / "tmp"),
            "EOS_PATH_FORMAT": f"{self.folder}/eos/user/{{username[0]}}/{{username}}/",
            "JUPYTER_CONFIG_DIR": str(self.local / "config"),
            "JUPYTER_DATA_DIR": str(self.local / "data"),
            "JUPYTER_PATH": str(self.local / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.local / "runtime"),
            "IPYTHONDIR": str(self.local / "ipython"),
            "JUPYTERLAB_SETTINGS_DIR": str(settings),
            "SWAN_USE_JUPYTERLAB": "true",
            "PYTHONNOUSERSITE": "1",
        }
        if self.rucio:
            self.env |= {
                "SWAN_USE_RUCIO": "true",
                "SWAN_RUCIO_INSTANCE": "sandbox",
                "SWAN_RUCIO_RSE": mount.rse,
                "SWAN_RUCIO_RSE_PATH": str(mount.path),
                "SWAN_RUCIO_RSE_PATH_BEGINS_AT": str(mount.begins_at),
            }

    @contextmanager
    def running(self, *command: str, **env: str) -> Iterator[Server]:
        """The session's server.

        Args:
            command: the module and options in place of ``jupyter_server``.
            env: further variables.
        """
        log = self.folder / "server.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [self.python, "-m", *(command or ("jupyter_server",))],
                env=self.env | env,
                cwd=self.home,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        runtime = self.local / "runtime"
        server = Server("", self.folder, self.project, f"{PROJECT}/", runtime, log, process)
        try:
            server.url = _wait_for(server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(server: Server) -> str:
    """The URL that the server has written; it chooses another port where one is taken."""
    end = time.monotonic() + BOOT_S
    while time.monotonic() < end:
        assert server.process.poll() is None, server.log.read_text()[-5000:]
        facts = _facts(server.runtime / f"jpserver-{server.process.pid}.json")
        if facts is not None and _answers(str(facts["url"])):
            return str(facts["url"])
        time.sleep(0.1)
    raise AssertionError(f"the server does not answer: {server.log.read_text()[-5000:]}")


def _facts(file: Path) -> Mapping[str, object] | None:
    try:
        found: Mapping[str, object] = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return found


def _answers(url: str) -> bool:
    request = urllib.request.Request(f"{url}api/status", headers={"Authorization": f"token {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=10):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 403
    except OSError:
        return False
