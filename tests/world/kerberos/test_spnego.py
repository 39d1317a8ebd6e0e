"""Kerberos logins with a KDC and SPNEGO: from nothing, wrong, expired, and with a ticket that is there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.terminal import at_a_terminal
from tests.world.kerberos.conftest import PASSWORD, REALM, STRANGER, USER, Kerberos

#: Its libraries are compiled first, which takes minutes on a busy machine.
pytestmark = [pytest.mark.world, pytest.mark.timeout(900)]


@pytest.fixture
def environ(kerberos: Kerberos, guarded: str, tmp_path: Path) -> dict[str, str]:
    """An environment without a ticket, whose only instance is `guarded`."""
    (tmp_path / "config.toml").write_text(
        f'[instances.cern]\nhost = "{guarded}"\nauth_type = "gss"\naccount = "sandbox"\n'
    )
    home = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "NBRUCIO_CONFIG": str(tmp_path / "config.toml")}
    tickets = {"KRB5CCNAME": str(tmp_path / "tickets"), "PYTHONPATH": str(kerberos.libraries)}
    return {**kerberos.environ, **home, **tickets}


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(kerberos: Kerberos, environ: dict[str, str]) -> Run:
    """Runs a program in the realm, with the user's tickets."""

    def call(*words: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        if words[0] == "nbrucio":
            words = (sys.executable, "-m", "nbrucio_cli", *words[1:])
        done = kerberos.run(*words, stdin=stdin, **environ)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return call


def _log_in(environ: dict[str, str], password: str) -> tuple[int, str]:
    """``nbrucio login`` at a terminal, where kinit asks for the password."""
    command = [sys.executable, "-m", "nbrucio_cli", "login", "cern", "--", USER]
    return at_a_terminal(command, environ, "Password for", f"{password}\n")


def test_from_nothing_to_data_by_kinit(environ: dict[str, str], run: Run) -> None:
    done = run("nbrucio", "search", "sandbox:dimuon")
    assert (done.returncode, "next: nbrucio login cern" in done.stderr) == (7, True), done.stderr
    code, shown = _log_in(environ, PASSWORD)
    assert code == 0, shown
    assert "logged in as sandbox" in shown
    assert PASSWORD not in shown
    assert "sandbox:dimuon" in run("nbrucio", "search", "sandbox:dimuon").stdout


def test_a_wrong_password_is_kinits_to_report(environ: dict[str, str]) -> None:
    code, shown = _log_in(environ, "wrong")
    assert code == 7, shown
    assert "kinit ended with exit code 1" in shown


def test_a_ticket_that_is_there_is_used(run: Run) -> None:
    assert run("kinit", USER, stdin=f"{PASSWORD}\n").returncode == 0
    done = run("nbrucio", "whoami", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["instances"]
    assert (row["account"], row["by"]["kind"]) == ("sandbox", "kerberos")
    assert "kdestroy" in run("nbrucio", "logout").stdout


def test_a_person_whom_rucio_does_not_know_is_refused(run: Run) -> None:
    assert run("kinit", STRANGER, stdin=f"{PASSWORD}\n").returncode == 0
    done = run("nbrucio", "whoami")
    assert done.returncode == 7
    assert "Login to cern failed" in done.stderr


def test_an_expired_ticket_is_a_login_that_has_ended(run: Run) -> None:
    assert run("kinit", "-l", "1s", USER, stdin=f"{PASSWORD}\n").returncode == 0
    end = time.monotonic() + 30
    while run("klist", "-s").returncode == 0 and time.monotonic() < end:
        time.sleep(0.2)
    done = run("nbrucio", "whoami")
    assert done.returncode == 7
    assert "next: nbrucio login cern" in done.stderr
    done = run("nbrucio", "login", "cern")
    assert (done.returncode, "no valid Kerberos ticket" in done.stderr) == (7, True), done.stderr
    assert REALM not in done.stdout
