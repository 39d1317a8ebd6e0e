"""Several accounts at one server: chosen by an option or a variable; files are shared, tokens never."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbrucio_cli.app import root

from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.support.access_log import new_requests

Notebook = Callable[..., Path]


@pytest.fixture
def two(cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Two accounts at the sandbox, ``sandbox`` and ``admin``; also the environment of this process."""
    state = json.loads((sandbox.root / "state.json").read_text())
    text = Path(sandbox.env()["NBRUCIO_CONFIG"]).read_text()
    login = {
        "host": sandbox.status().server_url,
        "identity": "sandbox.localhost",
        "auth_type": "userpass",
        "account": "root",
        "username": "root",
        "password": state["root_password"],
        "storage_ca": str(sandbox.root / "storage" / "ca.pem"),
    }
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in login.items())
    file = cli.folder / "config.toml"
    file.write_text(f"{text}\n[instances.admin]\n{lines}\ntraces = false\n")
    file.chmod(0o600)
    environ = {**cli.env, "NBRUCIO_CONFIG": str(file), "XDG_RUNTIME_DIR": str(cli.folder)}
    for name in [name for name in os.environ if name.startswith(("RUCIO_", "NBRUCIO_", "XDG_", "BEARER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NBRUCIO_INSTANCE", "")  # restored afterwards, since the option sets it
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(cli.folder)
    return Cli(cli.folder, environ)


def run(*words: object, exit_code: int = 0) -> str:
    """Runs a command in this process and returns its output."""
    done = CliRunner().invoke(root, list(map(str, words)), prog_name="nbrucio")
    assert done.exit_code == exit_code, done.output
    return done.output


def test_accounts_share_files_and_no_token(two: Cli, notebook: Notebook, sandbox: Sandbox) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "mu"}, {"did": "sandbox:dimuon.1.root", "handle": "one"})
    before = path.read_bytes()
    with new_requests(sandbox.access_log) as requests:
        assert "downloaded" in run("sync", path)
    assert [one.path for one in requests].count("/auth/userpass") == 1
    tokens = two.folder / "nbrucio" / "tokens"
    first = {file.name for file in tokens.glob("token-*") if file.suffix != ".lock"}
    with new_requests(sandbox.access_log) as requests:
        assert "downloaded" not in run("sync", "--refresh", "--instance", "admin", path)
    assert [one.path for one in requests].count("/auth/userpass") == 1
    second = {file.name for file in tokens.glob("token-*") if file.suffix != ".lock"}
    assert (len(first), len(second)) == (1, 2)
    assert len({(tokens / name).read_text().split()[0] for name in second}) == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize("way", ["option", "variable", "default"])
def test_the_account_is_chosen_in_three_ways(
    way: str, two: Cli, notebook: Notebook, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "mu", "instance": "sandbox.localhost"})
    if way == "variable":
        monkeypatch.setenv("NBRUCIO_INSTANCE", "admin")
    if way == "default":
        file = two.folder / "config.toml"
        file.write_text(file.read_text().replace('default_instance = "sandbox"', 'default_instance = "admin"'))
    words = ["--instance", "admin"] if way == "option" else []
    with new_requests(sandbox.access_log) as requests:
        run("plan", *words, path)
    assert requests
    run("logout", "sandbox", exit_code=0)
    assert "Removed the saved token of admin." in run("logout", "admin")


@pytest.mark.parametrize("verb", ["plan", "sync", "stage", "status", "lock", "run", "check"])
@pytest.mark.parametrize("name", ["nowhere", ""])
def test_an_account_that_is_not_configured_is_an_error_at_once(
    verb: str, name: str, two: Cli, notebook: Notebook
) -> None:
    path = notebook({"did": "sandbox:dimuon", "handle": "mu", "instance": "sandbox"})
    assert "is not configured on this machine" in run(verb, "--instance", name, path, exit_code=2)
    assert two.folder.exists()
