"""OIDC logins with Rucio's own code and a real identity provider: from nothing, wrong, expired, and renewed."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nbrucio.catalogue.bearer import claims
from nbrucio.catalogue.rucio import Catalogues
from nbrucio.catalogue.token_cache import saved_facts, saved_token, token_file
from nbrucio.config import Config, load
from nbrucio.core.did import Did
from nbrucio.errors import CredentialsRejected
from nbrucio.sandbox import Sandbox
from tests.catalogue.jwts import jwt
from tests.world.oidc.conftest import USER, Provider

pytestmark = pytest.mark.world

DIMUON = Did("sandbox", "dimuon")


@pytest.fixture
def environ(provider: Provider, sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """An environment whose only instance is `provider`."""
    layout = sandbox.root / "storage"
    settings = f"""
[instances.cern]
host = "{provider.url}"
auth_type = "oidc"
account = "sandbox"
ca_cert = "{provider.ca}"
storage_ca = "{layout / "ca.pem"}"
oidc_audience = "rucio"
oidc_scope = "openid profile offline_access"
traces = false
file_roots = ["{layout / "rses"}"]
"""
    (tmp_path / "config.toml").write_text(settings)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    (tmp_path / "run").mkdir(mode=0o700)
    home = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run"), "NBRUCIO_RUNTIME_DIR": str(tmp_path / "r")}
    return {**kept, **home, "NBRUCIO_CONFIG": str(tmp_path / "config.toml"), "NBRUCIO_STORE": str(tmp_path / "store")}


@pytest.fixture
def config(environ: dict[str, str], tmp_path: Path) -> Config:
    """The configuration of `environ`."""
    return load(environ, system_file=tmp_path / "none")


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(environ: dict[str, str], tmp_path: Path) -> Run:
    """Runs a command to its end: exit code, stdout, stderr."""

    def call(*words: str, **extra: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "nbrucio_cli", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env={**environ, **extra}, capture_output=True, text=True, timeout=120
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    return call


class Login:
    """``nbrucio login --json`` in the course of a login, after its event."""

    def __init__(self, environ: dict[str, str], *words: str) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "nbrucio_cli", "login", "cern", "--json", *words]
        self.process = subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert self.process.stderr is not None
        self.event = json.loads(self.process.stderr.readline())
        assert self.event["event"] == "auth_required"

    def ended(self, answer: str | None = None) -> tuple[int, Any]:
        """Exit code and result, after ``answer`` was written to stdin."""
        out, err = self.process.communicate(answer, timeout=60)
        assert "Traceback" not in err, err
        return self.process.returncode, json.loads(out)


def _log_in(provider: Provider, environ: dict[str, str], *words: str) -> Any:
    login = Login(environ, *words)
    assert provider.log_in(login.event["url"]).status_code == 200
    code, result = login.ended()
    assert code == 0, result
    return result["instances"][0]


def _due(config: Config, environ: dict[str, str], provider: Provider) -> None:
    """Let the saved token be an hour old, both here and for Rucio, and end in a quarter of an hour."""
    instance = config.instance("cern")
    saved = saved_facts(instance, environ)
    assert saved is not None
    path, then = token_file(instance, environ), time.time() - 3600
    path.write_text(f"{saved.token}\n{int(time.time()) + 900}\n")
    os.utime(path, (then, then))
    with closing(sqlite3.connect(provider.database, timeout=60)) as database, database:
        database.execute("UPDATE tokens SET updated_at = datetime('now', '-1 hour') WHERE token = ?", [saved.token])


def test_from_nothing_to_data_by_a_login_in_the_browser(
    provider: Provider, environ: dict[str, str], run: Run, config: Config, tmp_path: Path
) -> None:
    row = {"version": 1, "requirements": [{"did": "sandbox:dimuon", "handle": "dimuon"}]}
    notebook = {"cells": [], "metadata": {"nbrucio": row}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "nb.ipynb").write_text(json.dumps(notebook))
    code, _, err = run("sync", "nb.ipynb")
    assert code == 7
    assert "next: nbrucio login cern" in err
    me = _log_in(provider, environ)
    assert (me["account"], me["identity"]) == ("sandbox", f"SUB={USER}, ISS={provider.issuer}")
    assert run("sync", "nb.ipynb")[0] == 0
    token = saved_token(config.instance("cern"), environ)
    assert token is not None
    assert claims(token).audiences == {"rucio"}
    assert token_file(config.instance("cern"), environ).stat().st_mode & 0o777 == 0o600
    code, out, _ = run("logout", "cern", "--json")
    assert json.loads(out)["instances"][0]["removed"]
    assert run("whoami", "cern")[0] == 7


def test_the_code_of_the_page_is_pasted(provider: Provider, environ: dict[str, str]) -> None:
    login = Login(environ, "--paste-code")
    page = provider.log_in(login.event["url"]).text
    code = max(re.findall(r"[A-Za-z0-9]{50}", page), key=len)
    assert login.ended(f"wrong\n{code}\n")[0] == 0


def test_a_person_whom_rucio_does_not_know_gets_no_token(provider: Provider, environ: dict[str, str]) -> None:
    login = Login(environ, "--paste-code")
    assert provider.log_in(login.event["url"], "stranger").status_code == 401
    code, result = login.ended("a\nb\nc\n")
    assert (code, result["errors"][0]["code"]) == (7, "credentials")


def test_a_wait_for_the_browser_is_stopped_by_ctrl_c(environ: dict[str, str]) -> None:
    login = Login(environ)
    login.process.send_signal(signal.SIGINT)
    code, result = login.ended()
    assert (code, result["error"]["message"]) == (130, "Stopped.")


@pytest.mark.parametrize("kind", ["forged", "expired", "garbage"])
def test_a_token_of_no_use_is_explained(kind: str, provider: Provider, run: Run) -> None:
    forged = {"aud": "rucio", "iss": provider.issuer, "sub": USER, "scope": "openid profile"}
    tokens = {"forged": jwt(**forged), "expired": jwt(**forged, exp=1), "garbage": "x y"}
    code, _, err = run("whoami", BEARER_TOKEN=tokens[kind])
    assert code == 7
    words = {"forged": f"SUB={USER}, ISS={provider.issuer}", "expired": "expired", "garbage": "is not a token"}
    assert words[kind] in err


def test_the_users_own_token_of_the_provider_is_accepted(
    provider: Provider, environ: dict[str, str], run: Run, config: Config
) -> None:
    _log_in(provider, environ)
    instance = config.instance("cern")
    token = saved_token(instance, environ)
    assert token is not None
    token_file(instance, environ).unlink()
    code, out, _ = run("whoami", "--json", BEARER_TOKEN=token)
    assert (code, json.loads(out)["instances"][0]["by"]["variable"]) == (0, "BEARER_TOKEN")


def test_a_token_that_ends_between_two_requests_is_renewed(
    provider: Provider, environ: dict[str, str], config: Config
) -> None:
    _log_in(provider, environ)
    instance = config.instance("cern")
    first = saved_token(instance, environ)
    with closing(Catalogues(config, environ)) as catalogues:
        catalogue = catalogues.open("cern")
        assert catalogue.describe(DIMUON).files == 4
        _due(config, environ, provider)
        assert len(list(catalogue.files(DIMUON))) == 4
    second = saved_token(instance, environ)
    assert second not in (None, first)


def test_a_token_that_ends_and_cannot_be_renewed_is_a_login_that_has_ended(
    provider: Provider, environ: dict[str, str], config: Config
) -> None:
    _log_in(provider, environ)
    instance = config.instance("cern")
    with closing(Catalogues(config, environ)) as catalogues:
        catalogue = catalogues.open("cern")
        assert catalogue.describe(DIMUON).files == 4
        token = saved_token(instance, environ)
        with closing(sqlite3.connect(provider.database, timeout=60)) as database, database:
            database.execute("DELETE FROM tokens WHERE token = ?", [token])
        token_file(instance, environ).unlink()  # as at its end
        with pytest.raises(CredentialsRejected) as caught:
            list(catalogue.files(DIMUON))
    assert caught.value.next_command == "nbrucio login cern"


def test_eight_processes_refresh_once(provider: Provider, environ: dict[str, str], config: Config) -> None:
    _log_in(provider, environ)
    instance = config.instance("cern")
    first = saved_token(instance, environ)
    _due(config, environ, provider)
    before = provider.requests().count("/auth/oidc_refresh")
    command = [sys.executable, "-m", "nbrucio_cli", "show", "sandbox:dimuon"]
    started = [subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) for _ in range(8)]
    assert [process.wait(120) for process in started] == [0] * 8
    assert provider.requests().count("/auth/oidc_refresh") == before + 1
    assert saved_token(instance, environ) not in (None, first)
