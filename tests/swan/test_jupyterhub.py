"""A real JupyterHub with its proxy starts the servers of two users, configured as `docs/operators` says."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.catalogue.token_cache import saved_token
from nbrucio.config import Credentials, load
from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import declaring
from tests.swan.conftest import ROOT

pytestmark = [
    pytest.mark.world,
    pytest.mark.usefixtures("accounts"),
    pytest.mark.parametrize("swan_python", ["pinned"], indirect=True),
]

USERS = ("alice", "bob")
_PASSWORD = secrets.token_hex(16)
START_S = 90.0
_CONFIG = """
import os
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home/{{username}}"
c.Spawner.args = ["--allow-root"]
c.JupyterHub.services = [{{"name": "test", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [
    {{"name": "test", "scopes": ["admin:users", "admin:servers", "access:servers"], "services": ["test"]}}
]
c.CryptKeeper.keys = ["{key}"]
ours = c.JupyterHub.load_roles
"""


@dataclass(frozen=True)
class RunningHub:
    """The hub; `ask` goes through its proxy, with the login of an administrator's service."""

    url: str
    token: str

    def ask(self, path: str, body: object = None, method: str = "") -> tuple[int, Any]:
        """Status and JSON of a request; ``body`` makes it a POST, if there is no other method."""
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            kind = method or ("GET" if data is None else "POST")
            request = urllib.request.Request(self.url + path, data, headers, method=kind)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")
        except ValueError:
            return 503, None  # the hub's page about a server that starts

    def until(self, what: str, path: str, *statuses: int) -> Any:
        """The answer once it has one of these statuses."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            try:
                status, answer = self.ask(path)
            except OSError:
                status, answer = 0, None
            if status in statuses:
                return answer
            time.sleep(0.2)
        raise AssertionError(f"{what}: {status} {answer}")


@pytest.fixture(scope="module")
def accounts(sandbox: Sandbox) -> None:
    """The users' accounts in Rucio."""
    with sandbox.admin() as client:
        for user in USERS:
            client.add_account(user, "USER", f"{user}@localhost")
            client.add_identity(user, user, "USERPASS", f"{user}@localhost", default=True, password=_PASSWORD)


@pytest.fixture
def hub(swan_python: Path, sandbox: Sandbox, tmp_path: Path) -> Iterator[RunningHub]:
    """A hub whose two users have a home with a login of their own."""
    proxy = tmp_path / "node_modules" / ".bin" / "configurable-http-proxy"
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "configurable-http-proxy@5"]
    subprocess.run(install, cwd=tmp_path, check=True, env={**os.environ, "PATH": _path()})
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    port, hub_port, proxy_port = (one.getsockname()[1] for one in sockets)
    for one in sockets:
        one.close()
    token = secrets.token_hex(16)
    names = {
        "port": port,
        "hub_port": hub_port,
        "proxy_port": proxy_port,
        "token": token,
        "proxy": proxy,
        "key": secrets.token_hex(32),
    }
    text = _CONFIG.format(folder=tmp_path, **names) + _documented(tmp_path)
    (tmp_path / "jupyterhub_config.py").write_text(text)
    for user in USERS:
        _make_home(tmp_path / "home" / user, user, sandbox)
    env = {
        "PATH": f"{swan_python.parent}:{_path()}",
        "HOME": str(tmp_path),
        "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(),
    }
    with (tmp_path / "hub.log").open("wb") as log:
        process = subprocess.Popen([swan_python, "-m", "jupyterhub"], cwd=tmp_path, env=env, stdout=log, stderr=log)
    try:
        running = RunningHub(f"http://127.0.0.1:{port}/", token)
        running.until("the hub", "hub/api/users", 200)
        yield running
    finally:
        process.terminate()
        process.wait(60)


def test_two_users_of_a_hub_share_nothing(hub: RunningHub, tmp_path: Path) -> None:
    notebook = json.dumps(declaring(growing="sandbox:growing"))
    for user in USERS:
        (tmp_path / "home" / user / "a.ipynb").write_text(notebook)
        assert hub.ask(f"hub/api/users/{user}", {})[0] == 201
        assert hub.ask(f"hub/api/users/{user}/server", {})[0] in (201, 202)
    for user in USERS:
        answer = hub.until(f"the server of {user}", f"user/{user}/nbrucio/instances", 200)
        assert [one["account"] for one in answer["instances"]] == [user]
    stores = {user: tmp_path / "scratch" / user / "nbrucio" for user in USERS}
    for user in USERS:
        assert not stores[user].exists()
        assert hub.ask(f"user/{user}/nbrucio/sync", {"path": "a.ipynb"})[0] == 202
        ended = _settled(hub, user)
        assert ended["requirements"] == {"growing": "ready"}, ended
        assert ended["files_done"] == 2, "the data of another user was used"
        assert len(list(stores[user].glob("objects/*/*/*.root"))) == 2, sorted(stores[user].rglob("*"))
    files = [path for user in USERS for path in (tmp_path / "home" / user).rglob("tokens/token-*")]
    tokens = [path.read_text().split("\n")[0] for path in files if path.suffix != ".lock"]
    assert len(set(tokens)) == 2
    runtimes = [tmp_path / "runtime" / f"nbrucio-{user}" for user in USERS]
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in runtimes)
    log = (tmp_path / "hub.log").read_text()
    assert "Traceback" not in log
    assert not [secret for secret in (hub.token, _PASSWORD, *tokens) if secret in log]


def test_a_users_server_gets_its_token_from_the_hub(hub: RunningHub, sandbox: Sandbox, tmp_path: Path) -> None:
    known = load(sandbox.env()).instance()
    login = Credentials(username="alice", password=_PASSWORD)
    alice, environ = known._replace(account="alice", credentials=login), {"HOME": str(tmp_path)}
    with closing(RucioCatalogue(alice, environ=environ)) as catalogue:
        catalogue.whoami()
    token = saved_token(alice, environ)
    assert token is not None
    home = tmp_path / "home" / "alice"
    (home / "a.ipynb").write_text(json.dumps(declaring(growing="sandbox:growing")))
    own = home / ".config" / "nbrucio" / "config.toml"
    lines = [line for line in own.read_text().splitlines() if line.split(" ")[0] not in ("username", "password")]
    own.write_text("\n".join(lines).replace('"userpass"', '"oidc"\nhub_token = "exchanged_tokens.rucio"') + "\n")
    assert hub.ask("hub/api/users/alice", {})[0] == 201
    assert hub.ask("hub/api/users/alice/server", {})[0] in (201, 202)
    hub.until("the server of alice", "user/alice/nbrucio/instances", 200)
    (found,) = hub.ask("user/alice/nbrucio/whoami")[1]["instances"]
    assert (found["state"], found["renewed_by"]) == ("ended", "JupyterHub, which nbrucio asks for it")
    assert "no auth_state" in found["error"]["message"]
    state = {"auth_state": {"exchanged_tokens": {"rucio": token}}}
    status, answer = hub.ask("hub/api/users/alice", state, "PATCH")
    assert status == 200, answer
    (found,) = hub.ask("user/alice/nbrucio/whoami")[1]["instances"]
    assert (found["state"], found["account"]) == ("active", "alice"), found
    assert hub.ask("user/alice/nbrucio/sync", {"path": "a.ipynb"})[0] == 202
    assert _settled(hub, "alice")["requirements"] == {"growing": "ready"}
    assert token not in (tmp_path / "hub.log").read_text()


def _settled(hub: RunningHub, user: str) -> Any:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        state = hub.ask(f"user/{user}/nbrucio/status?path=a.ipynb")[1]["sync"]
        if state and state["state"] != "syncing":
            return state
        time.sleep(0.1)
    raise AssertionError(state)


def _documented(folder: Path) -> str:
    """The snippets of the pages, with folders of this test."""
    pages = [
        (ROOT / "docs" / name).read_text("utf-8") for name in ("operators/jupyterhub-kubernetes.md", "sessions.md")
    ]
    snippet = "\n".join(found for page in pages for found in re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    snippet += "\nc.JupyterHub.load_roles = [*ours, *c.JupyterHub.load_roles]\n"
    places = {"/scratch/": f"{folder}/scratch/", "/tmp/": f"{folder}/runtime/"}
    return re.sub("|".join(places), lambda found: places[found[0]], str(snippet))


def _make_home(home: Path, user: str, sandbox: Sandbox) -> None:
    known = load(sandbox.env()).instance()
    login = {
        "host": known.host,
        "auth_type": "userpass",
        "identity": known.identity,
        "account": user,
        "username": user,
        "password": _PASSWORD,
        "storage_ca": str(known.storage_ca),
    }
    file = home / ".config" / "nbrucio" / "config.toml"
    file.parent.mkdir(parents=True)
    file.touch(mode=0o600)
    lines = (f"{name} = {json.dumps(value)}" for name, value in login.items())
    file.write_text("[instances.sandbox]\n" + "\n".join(lines) + "\n")


def _path() -> str:
    return f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
