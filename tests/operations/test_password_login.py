"""Logins with a password, several accounts at one server, and logouts."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from nbrucio.catalogue.token_cache import saved_token, token_file
from nbrucio.config import Config, load
from nbrucio.errors import CredentialsRejected
from nbrucio.operations.login import log_in, log_out
from nbrucio.operations.whoami import errors_in, logins, who_am_i
from nbrucio.pipeline.login_ends import instances_of
from nbrucio.sandbox import Sandbox
from tests.support.logins import Answers


@pytest.fixture
def accounts(sandbox: Sandbox, tmp_path: Path) -> Config:
    """Logins at the sandbox: ``sandbox`` with its password, ``typed`` without one, ``wrong``, and ``admin``."""
    settings = sandbox.env()["NBRUCIO_CONFIG"]
    known = load({**sandbox.env(), "HOME": str(tmp_path)}, system_file=tmp_path / "none").instance("sandbox")
    password = json.dumps(known.credentials.password)
    root = json.dumps(json.loads((sandbox.root / "state.json").read_text())["root_password"])
    base = f'identity = "sandbox.localhost"\nhost = "{known.host}"\nauth_type = "userpass"\n'
    text = Path(settings).read_text() + "".join(
        f"\n[instances.{name}]\n{base}{lines}\n"
        for name, lines in {
            "typed": 'account = "sandbox"\nusername = "sandbox"',
            "twin": 'account = "sandbox"\nusername = "sandbox"',
            "wrong": 'account = "sandbox"\nusername = "sandbox"\npassword = "wrong"',
            "admin": f'account = "root"\nusername = "root"\npassword = {root}',
        }.items()
    )
    assert password in text
    file = tmp_path / "accounts.toml"
    file.write_text(text)
    file.chmod(0o600)
    environ = {"HOME": str(tmp_path), "NBRUCIO_CONFIG": str(file)}
    return load(environ, system_file=tmp_path / "none")


def test_a_typed_password_logs_in_and_is_saved_nowhere(
    accounts: Config, environ: dict[str, str], tmp_path: Path
) -> None:
    typed, password = accounts.instance("typed"), str(accounts.instance("sandbox").credentials.password)
    assert who_am_i(typed, accounts, environ).state == "ended"
    row = log_in(typed, accounts, Answers(("sandbox", password)), environ=environ)
    assert (row.state, row.account) == ("active", "sandbox")
    assert row.facts is not None
    assert row.facts.ends_at is not None
    file = token_file(typed, environ)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not [path for path in kept if password in path.read_text()]
    assert [path.name for path in kept if path.suffix != ".lock"] == [file.name]


def test_a_wrong_password_is_never_logged_in_beside_another_login_to_the_same_account(
    accounts: Config, environ: dict[str, str]
) -> None:
    password = str(accounts.instance("sandbox").credentials.password)
    log_in(accounts.instance("typed"), accounts, Answers(("sandbox", password)), environ=environ)
    assert who_am_i(accounts.instance("sandbox"), accounts, environ).state == "active"
    for name, answers in (("wrong", Answers()), ("twin", Answers(("sandbox", "wrong")))):
        with pytest.raises(CredentialsRejected, match=f"Login to {name} failed"):
            log_in(accounts.instance(name), accounts, answers, environ=environ)
        assert who_am_i(accounts.instance(name), accounts, environ).state == "ended"
    # A typing error does not end a login that works.
    with pytest.raises(CredentialsRejected):
        log_in(accounts.instance("typed"), accounts, Answers(("sandbox", "wrong")), environ=environ)
    assert who_am_i(accounts.instance("typed"), accounts, environ).state == "active"


def test_accounts_of_one_server_never_share_a_token(accounts: Config, environ: dict[str, str]) -> None:
    rows = {row.name: row for row in logins(accounts, environ)}
    assert {name: row.account for name, row in rows.items() if row.state == "active"} == {
        "sandbox": "sandbox",
        "admin": "root",
    }
    tokens = [saved_token(accounts.instance(name), environ) for name in ("sandbox", "admin")]
    assert None not in tokens
    assert len(set(tokens)) == 2
    assert {error.exit_code for error in errors_in(rows.values())} == {7}


def test_a_logout_removes_the_saved_token_and_names_what_remains(accounts: Config, environ: dict[str, str]) -> None:
    password = str(accounts.instance("sandbox").credentials.password)
    typed, sandbox = accounts.instance("typed"), accounts.instance("sandbox")
    log_in(typed, accounts, Answers(("sandbox", password)), environ=environ)
    log_in(sandbox, accounts, Answers(), environ=environ)
    assert log_out(typed, accounts, environ) == ("typed", True, None)
    assert who_am_i(typed, accounts, environ).state == "ended"
    assert log_out(typed, accounts, environ) == ("typed", False, None)
    done = log_out(sandbox, accounts, environ)
    assert done.removed
    assert "password of sandbox" in str(done.remains)
    assert saved_token(sandbox, environ) is None


def test_the_instances_that_a_notebook_needs(accounts: Config, tmp_path: Path) -> None:
    rows = [
        {"did": "a:b", "handle": "one", "instance": "admin"},
        {"did": "a:c", "handle": "two"},
        {"did": "a:d", "handle": "three", "instance": "admin"},
    ]
    metadata = {"nbrucio": {"version": 1, "requirements": rows}}
    (tmp_path / "nb.ipynb").write_text(
        json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    )
    assert [one.name for one in instances_of([tmp_path / "nb.ipynb"], accounts)] == ["admin", "sandbox"]
