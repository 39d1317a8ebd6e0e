"""``nbrucio login``, ``logout`` and ``whoami`` as users and programs call them."""

from __future__ import annotations

import json
import os
import re
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner
from nbrucio_cli.app import root

from nbrucio.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.support.scripted_server import LOGIN, ScriptedServer, answer
from tests.support.terminal import at_a_terminal

PAGE = "https://rucio.example.org/auth/oidc_redirect?abc"
STARTED = answer("", X_Rucio_OIDC_Auth_URL=PAGE)
ME = answer("", "303 SEE OTHER", Location="/accounts/jdoe")


@pytest.fixture
def password(sandbox: Sandbox) -> str:
    """The password of the sandbox's account."""
    found = re.search(r'password = "(.*)"', Path(sandbox.env()["NBRUCIO_CONFIG"]).read_text())
    assert found
    return found[1]


@pytest.fixture
def typed(cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A command line whose only instance is the sandbox without a password; also the environment of this process."""
    host = sandbox.status().server_url
    file = cli.folder / "config.toml"
    file.write_text(f'[instances.sandbox]\nhost = "{host}"\nauth_type = "userpass"\naccount = "sandbox"\n')
    environ = {**cli.env, "NBRUCIO_CONFIG": str(file), "XDG_RUNTIME_DIR": str(cli.folder)}
    for name in [name for name in os.environ if name.startswith(("RUCIO_", "NBRUCIO_", "XDG_", "BEARER_"))]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return Cli(cli.folder, environ)


@pytest.fixture
def provider(typed: Cli) -> Iterator[ScriptedServer]:
    """A server with a login in the browser, which is the instance ``cern`` of `typed`."""
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(typed.folder / "ca.pem")
    with ScriptedServer(tls=context) as server, (typed.folder / "config.toml").open("a") as file:
        login = f'host = "{server.url}"\nauth_type = "oidc"\nca_cert = "ca.pem"\noidc_polling = "false"'
        file.write(f"\n[instances.cern]\n{login}\n")
        file.flush()
        yield server


def run(*words: str, stdin: str = "", exit_code: int = 0) -> tuple[str, str]:
    """What a command prints in this process on stdout and stderr."""
    done = CliRunner().invoke(root, list(words), prog_name="nbrucio", input=stdin)
    assert done.exit_code == exit_code, done.output
    return done.stdout, done.stderr


def test_a_login_from_stdin_lasts_until_the_logout(typed: Cli, password: str) -> None:
    out, err = run("whoami", "sandbox", exit_code=7)
    assert out == "sandbox (default): not logged in\n"
    assert "next: nbrucio login sandbox" in err
    out, _ = run("login", "sandbox", "--password-file", "-", stdin=f"{password}\n")
    assert out.startswith("sandbox (default): logged in as sandbox\n  by          a token of nbrucio login\n")
    facts = json.loads(run("whoami", "sandbox", "--json")[0])
    assert (facts["version"], facts["exit_code"]) == (1, 0)
    (row,) = facts["instances"]
    assert (row["state"], row["account"], row["by"]["kind"]) == ("active", "sandbox", "saved-token")
    assert row["until"].endswith("+00:00")
    assert "sandbox:dimuon" in run("search", "sandbox:dimuon", "--instance", "sandbox")[0]
    assert run("logout", "sandbox")[0] == "Removed the saved token of sandbox.\n"
    assert run("logout", "sandbox")[0] == "There is no saved token of sandbox.\n"
    _, err = run("search", "sandbox:dimuon", "--instance", "sandbox", exit_code=7)
    assert "next: nbrucio login sandbox" in err
    assert password not in "".join(path.read_text() for path in typed.folder.rglob("*") if path.is_file())


def test_a_login_without_a_password_or_with_a_wrong_one_is_explained(typed: Cli) -> None:
    _, err = run("login", "sandbox", exit_code=7)
    assert "--password-file" in err
    for stdin, exit_code, words in (("wrong\n", 7, "Login to sandbox failed"), ("", 2, "There is no password")):
        _, err = run("login", "sandbox", "--password-file", "-", stdin=stdin, exit_code=exit_code)
        assert words in err
        assert "next:" not in err  # the same command again helps nobody
    _, err = run("login", "sandbox", "--password-file", str(typed.folder / "none"), exit_code=2)
    assert "cannot be read" in err


def _at_a_terminal(typed: Cli, keys: str) -> tuple[int, str]:
    """Run the login at a terminal and press ``keys`` when it asks."""
    command = [sys.executable, "-m", "nbrucio_cli", "login", "sandbox"]
    return at_a_terminal(command, typed.env, "at sandbox: ", keys)


def test_a_password_is_not_shown_while_it_is_typed(typed: Cli, password: str) -> None:
    code, shown = _at_a_terminal(typed, f"{password}\n")
    assert code == 0, shown
    assert "Password of sandbox at sandbox:" in shown
    assert "logged in as sandbox" in shown
    assert password not in shown


def test_the_end_of_input_at_a_prompt_is_an_interruption(typed: Cli) -> None:
    code, shown = _at_a_terminal(typed, "\x04")
    assert code == 130, shown
    assert "Stopped." in shown
    assert "Traceback" not in shown


def test_a_program_reads_where_to_log_in_and_writes_the_code(provider: ScriptedServer) -> None:
    provider.answers = [STARTED, LOGIN, ME]
    out, err = run("login", "cern", "--json", stdin="the-code\n")
    (event,) = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert (event["event"], event["url"], event["code"], event["paste_code"]) == ("auth_required", PAGE, None, True)
    assert event["expires_at"].endswith("+00:00")
    assert json.loads(out)["instances"][0]["account"] == "jdoe"
    provider.answers = [STARTED]
    out, err = run("login", "cern", "--renew", "--json", exit_code=7)
    assert json.loads(out)["errors"][0]["code"] == "credentials"


def test_one_login_that_fails_does_not_stop_the_others(provider: ScriptedServer, typed: Cli, password: str) -> None:
    rows = [{"did": "a:b", "handle": name, "instance": name} for name in ("cern", "sandbox")]
    content = {"cells": [], "metadata": {"nbrucio": {"version": 1, "requirements": rows}}}
    (typed.folder / "nb.ipynb").write_text(json.dumps({**content, "nbformat": 4, "nbformat_minor": 5}))
    provider.answers = [answer("", "401 Unauthorized")]
    notebook = str(typed.folder / "nb.ipynb")
    (typed.folder / "password").write_text(password)
    out, err = run("login", "--for", notebook, "--password-file", str(typed.folder / "password"), exit_code=7)
    assert out.startswith("sandbox: logged in as sandbox\n")
    assert "Login to cern failed" in err
    out, err = run("whoami", "--all", exit_code=7)
    assert "cern: not logged in" in out
    assert "sandbox: logged in as sandbox" in out
    done = json.loads(run("logout", "--all", "--json")[0])
    assert [(one["instance"], one["removed"]) for one in done["instances"]] == [("sandbox", True), ("cern", False)]


@pytest.mark.parametrize("words", [("whoami", "x", "--all"), ("logout", "x", "--all"), ("login", "x", "--for", "nb")])
def test_an_instance_and_all_of_them_exclude_each_other(words: tuple[str, ...]) -> None:
    assert "exclude each other" in run(*words, exit_code=2)[1]


@pytest.mark.parametrize("words", [("whoami",), ("whoami", "--all"), ("logout", "--all"), ("login",)])
def test_without_an_instance_the_error_says_how_to_get_one(words: tuple[str, ...], typed: Cli) -> None:
    (typed.folder / "config.toml").write_text("")
    assert "No Rucio instance is configured" in run(*words, exit_code=2)[1]


def test_another_username_is_asked_for_its_password(typed: Cli, sandbox: Sandbox) -> None:
    known = Path(sandbox.env()["NBRUCIO_CONFIG"]).read_text()
    (typed.folder / "config.toml").write_text(known)
    assert "the password in your configuration" in run("login", "sandbox")[0]
    assert "--password-file" in run("login", "sandbox", "--username", "root", exit_code=7)[1]


def test_a_second_instance_is_logged_in_at_by_itself(typed: Cli) -> None:
    done = typed("login", "sandbox", "sandbox")
    assert (done.exit_code, done.out) == (2, "")
    assert done.err == (
        "error: 'sandbox' is a second instance.\n\nhint: Log in at each by itself.\nnext: nbrucio login sandbox\n"
    )
