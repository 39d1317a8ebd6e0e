"""`nbrucio config init`: test a Rucio server, then write it into the user's file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbrucio_cli import config_setup
from nbrucio_cli.app import root

from nbrucio.config import load
from nbrucio.sandbox import Sandbox

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RUCIO_CONFIG", "RUCIO_HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "NBRUCIO_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def file(home: Path) -> Path:
    return home / "config" / "nbrucio" / "config.toml"


@pytest.fixture
def run(home: Path) -> Run:  # noqa: ARG001 - every command of these tests is for that home
    def call(*words: object, stdin: str = "") -> tuple[int, str, str]:
        result = CliRunner().invoke(root, ["config", "init", *map(str, words)], input=stdin, prog_name="nbrucio")
        return result.exit_code, result.stdout, result.stderr

    return call


@pytest.fixture
def login(sandbox: Sandbox) -> tuple[str, str]:
    """The URL of the sandbox and the password of its user."""
    instance = load(sandbox.env()).instance("sandbox")
    assert instance.credentials.password is not None
    return instance.host, instance.credentials.password


def _options(url: str) -> list[str]:
    return ["--host", url, "--account", "sandbox", "--auth", "userpass", "--username", "sandbox", "--password-stdin"]


def test_options_make_an_instance_without_questions(run: Run, file: Path, login: tuple[str, str]) -> None:
    url, password = login
    code, out, err = run("mine", *_options(url), "--default", stdin=f"{password}\n")
    assert (code, err) == (0, "")
    first, *_ = out.splitlines()
    assert first.startswith(f"  {url} answers: Rucio ")
    assert f"  Logged in as sandbox (userpass).\nAdded the instance mine to {file}.\n" in out
    assert load().instance().name == "mine"
    assert password not in out


def test_a_failed_login_writes_nothing(run: Run, file: Path, login: tuple[str, str]) -> None:
    code, out, err = run("mine", *_options(login[0]), stdin="wrong\n")
    assert (code, file.exists()) == (7, False)
    assert "Login to mine failed" in err
    assert "`--no-test`" in err
    code, out, _ = run("mine", *_options(login[0]), "--json", stdin="wrong\n")
    facts = json.loads(out)
    assert (code, facts["error"]["code"], facts["test"]["ok"]) == (7, "credentials", False)
    assert run("mine", *_options(login[0]), "--no-test", stdin="wrong\n")[0] == 0
    assert file.exists()


def test_a_server_that_is_not_there_writes_nothing(run: Run, file: Path) -> None:
    code, _, err = run("--host", "http://127.0.0.1:9", "--auth", "gss", "--yes")
    assert (code, file.exists()) == (8, False)
    assert "cannot be reached: no connection" in err


def test_questions_are_asked_at_a_terminal(
    run: Run, file: Path, login: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_setup, "_at_terminal", lambda: True)  # a runner's stdin is none
    url, password = login
    answers = [url, "sandbox", "userpass", "sandbox", password, "sb"]
    code, out, err = run(stdin="\n".join(answers) + "\n")
    assert code == 0, err
    assert "URL of the Rucio server" in err
    assert password not in out + err
    assert load().instance("sb").account == "sandbox"
    assert "[instances.sb]" in file.read_text()


def test_a_password_can_be_left_to_the_login(run: Run, file: Path, login: tuple[str, str]) -> None:
    code, out, err = run("mine", *_options(login[0])[:-1])
    assert (code, err) == (0, "")
    assert "There is no login yet. Run `nbrucio login mine`." in out
    assert "password" not in file.read_text()


def test_a_question_that_is_left_ends_as_an_interruption(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_setup, "_at_terminal", lambda: True)
    code, _, err = run(stdin="https://rucio.example\n")
    assert (code, file.exists()) == (130, False)
    assert err.endswith("error: Stopped.\n")


def test_what_is_missing_is_listed(run: Run) -> None:
    code, _, err = run("--auth", "userpass", "--yes")
    assert code == 2
    assert "Missing: --host, --username." in err


def test_a_relative_path_is_that_of_the_working_folder(run: Run, home: Path) -> None:
    (home / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    assert run("x", "--host", "x.example", "--auth", "gss", "--ca-cert", "ca.pem", "--no-test")[0] == 0
    instance = load().instance("x")
    assert (instance.host, instance.ca_cert) == ("https://x.example", home / "ca.pem")


@pytest.mark.parametrize(
    ("host", "name"),
    [("cms-rucio.example", "cms"), ("https://rucio.example", "rucio"), ("https://vre-rucio-prod.example:443/x", "vre")],
)
def test_a_host_gives_a_short_name(run: Run, host: str, name: str) -> None:
    assert run("--host", host, "--auth", "gss", "--no-test")[0] == 0
    assert [one.name for one in load().instances] == [name]
